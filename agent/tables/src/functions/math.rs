//! The mathematical functions, which the bundled SQLite is built without.

use std::f64::consts::PI;

use rusqlite::functions::Context;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

use super::{pure, real, refuse};

pub(super) fn register(connection: &Connection) -> Result<()> {
    type OfOne = fn(f64) -> f64;
    let of_one = [
        ("sqrt", f64::sqrt as OfOne),
        ("exp", f64::exp),
        ("log", f64::ln),
        ("log10", f64::log10),
        ("sin", f64::sin),
        ("cos", f64::cos),
        ("tan", f64::tan),
        ("cot", |x| 1.0 / x.tan()),
        ("asin", f64::asin),
        ("acos", f64::acos),
        ("atan", f64::atan),
        ("degrees", f64::to_degrees),
        ("radians", f64::to_radians),
        ("log2", f64::log2),
    ];
    for (name, function) in of_one {
        let call = move |c: &Context<'_>| real(c, 0).map(|x| sound(name, function(x))).transpose();
        connection.create_scalar_function(name, 1, pure(), call)?;
    }
    connection.create_scalar_function("power", 2, pure(), |c| {
        real(c, 0).zip(real(c, 1)).map(|(x, y)| sound("power", x.powf(y))).transpose()
    })?;
    connection.create_scalar_function("pi", 0, pure(), |_| Ok(PI))?;
    connection.create_scalar_function("ceil", 1, pure(), |c| Ok(whole(c, f64::ceil)))?;
    connection.create_scalar_function("floor", 1, pure(), |c| Ok(whole(c, f64::floor)))
}

/// Refuses what has no value, such as the root of a negative number.
fn sound(name: &str, value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value) } else { Err(refuse(format!("{name}: argument out of domain"))) }
}

/// Whole numbers stay as they are, however big.
fn whole(context: &Context<'_>, round: fn(f64) -> f64) -> Value {
    match context.get_raw(0) {
        ValueRef::Integer(n) => Value::Integer(n),
        _ => real(context, 0).map_or(Value::Null, |x| Value::Integer(round(x) as i64)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::value;

    #[test]
    fn functions_have_their_values() {
        for (sql, expected) in [
            ("sqrt(9)", "3.0"),
            ("log(1)", "0.0"),
            ("log10(1000)", "3.0"),
            ("power(2, 10)", "1024.0"),
            ("ceil(1.2)", "2"),
            ("floor(-1.2)", "-2"),
            ("ceil(9007199254740993)", "9007199254740993"),
            ("round(pi(), 5)", "3.14159"),
            ("degrees(pi())", "180.0"),
            ("round(cot(radians(45)), 9)", "1.0"),
            ("sqrt('16 apples')", "4.0"),
            ("sqrt(NULL)", "NULL"),
        ] {
            assert_eq!(value(sql).unwrap(), expected, "{sql}");
        }
    }

    #[test]
    fn outside_of_the_domain_is_an_error() {
        assert_eq!(value("sqrt(-1)").unwrap_err(), "sqrt: argument out of domain");
        assert_eq!(value("log(0)").unwrap_err(), "log: argument out of domain");
    }
}
