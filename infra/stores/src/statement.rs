//! SQL text and its arguments, put together from fixed pieces only.

use std::borrow::Cow;

use crate::Value;

/// A statement. Its text can only grow by `&'static str`, so nothing that a user typed gets into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    sql: Cow<'static, str>,
    arguments: Vec<Value>,
}

impl Statement {
    pub fn new(sql: &'static str) -> Self {
        Statement { sql: Cow::Borrowed(sql), arguments: vec![] }
    }

    /// For SQL that this crate makes itself.
    pub(crate) fn made(sql: String, arguments: Vec<Value>) -> Self {
        Statement { sql: Cow::Owned(sql), arguments }
    }

    /// Adds the argument of the next `?`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.arguments.push(value.into());
        self
    }

    /// Adds text at the end.
    pub fn push(mut self, sql: &'static str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// Adds `(?, ?, …)` with these arguments, for `IN`; without values, a list that matches nothing.
    ///
    /// The list is filled up to a power of two with its last value, so that few different texts have to be prepared.
    pub fn list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let before = self.arguments.len();
        self.arguments.extend(values.into_iter().map(Into::into));
        let last = self.arguments.get(before..).and_then(<[Value]>::last).cloned().unwrap_or(Value::Null);
        let length = (self.arguments.len() - before).max(1).next_power_of_two();
        self.arguments.resize(before + length, last);
        let marks = vec!["?"; length].join(", ");
        let sql = self.sql.to_mut();
        sql.push('(');
        sql.push_str(&marks);
        sql.push(')');
        self
    }

    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Vec<Value>) {
        (self.sql, self.arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_filled_to_a_power_of_two() {
        let statement = Statement::new("SELECT a FROM t WHERE b IN ").list([1i64, 2, 3]).push(" AND c = ?").bind("x");
        let (sql, arguments) = statement.into_parts();
        assert_eq!(sql, "SELECT a FROM t WHERE b IN (?, ?, ?, ?) AND c = ?");
        assert_eq!(arguments, [Value::Int(1), Value::Int(2), Value::Int(3), Value::Int(3), Value::Text("x".into())]);
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        let (sql, arguments) = Statement::new("IN ").list(Vec::<i64>::new()).into_parts();
        assert_eq!((&*sql, arguments), ("IN (?)", vec![Value::Null]));
    }
}
