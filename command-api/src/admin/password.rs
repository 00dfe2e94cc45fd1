//! Passwords: what they must be, and argon2id beside the threads that answer requests.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use infra_http::Problem;
use infra_world::World;

/// What every weak password is told.
pub const RULE: &str = "Password does not meet required criteria: Must include 12 characters, at least 1 number (e.g. 0 - 9), and at least 1 symbol (e.g. &*#).";
/// More than anyone types; bounds the work of hashing.
const LONGEST: usize = 1_024;

/// 422 in `field` for a password that is too weak.
pub fn check(field: &str, password: &str) -> Result<(), Problem> {
    let enough = password.chars().count() >= 12 && password.len() <= LONGEST;
    let number = password.chars().any(|letter| letter.is_numeric());
    let symbol = password.chars().any(|letter| !letter.is_alphanumeric() && !letter.is_whitespace());
    if enough && number && symbol { Ok(()) } else { Err(Problem::invalid(field, RULE)) }
}

/// argon2id with the costs of this server. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    /// A hash of nothing anybody has, so that an unknown address takes as long as a wrong password.
    nobody: String,
}

impl Hasher {
    /// Costs that argon2 does not take fall back to its defaults.
    pub fn new(memory_kib: u32, passes: u32) -> Self {
        let params = Params::new(memory_kib, passes, 1, None).unwrap_or_default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, "", &[0; 16]);
        Hasher { argon2, nobody }
    }

    /// The PHC text of a new password.
    pub async fn hash(&self, world: &World, password: &str) -> Result<String, Problem> {
        let (argon2, password, salt) = (self.argon2.clone(), password.to_owned(), world.bytes::<16>());
        aside(move || hash(&argon2, &password, &salt)).await
    }

    /// Whether the password is the one that was hashed; `None` takes as long and is never right.
    pub async fn verify(&self, hashed: Option<&str>, password: &str) -> Result<bool, Problem> {
        let known = hashed.is_some();
        let hashed = hashed.unwrap_or(&self.nobody).to_owned();
        // A hash of any length is compared, but a text without end is not hashed.
        let password: String = password.chars().take(LONGEST).collect();
        let right = aside(move || {
            let parsed = PasswordHash::new(&hashed);
            parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        });
        Ok(right.await? && known)
    }
}

fn hash(argon2: &Argon2<'_>, password: &str, salt: &[u8]) -> String {
    let hashed = argon2.hash_password_with_salt(password.as_bytes(), salt);
    hashed.expect("the salt has a good length and the costs were checked").to_string()
}

/// Hashing takes tens of milliseconds: never on a thread that answers hosts.
async fn aside<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(job).await.map_err(Problem::failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_told_the_rule() {
        for weak in ["", "short1!", "no number here!", "nosymbol12345", &"x1!".repeat(1_000)] {
            assert_eq!(check("password", weak).unwrap_err().reason(), RULE, "{weak}");
        }
        for good in ["password123!", "pässwörter 1 &"] {
            assert_eq!(check("password", good), Ok(()), "{good}");
        }
    }

    #[actix_web::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let hasher = Hasher::new(32, 1);
        let hashed = hasher.hash(&World::system(), "right").await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=32,t=1,p=1$"), "{hashed}");
        assert_ne!(hashed, hasher.hash(&World::system(), "right").await.unwrap(), "salted");
        assert!(hasher.verify(Some(&hashed), "right").await.unwrap());
        assert!(!hasher.verify(Some(&hashed), "wrong").await.unwrap());
        assert!(!hasher.verify(None, "").await.unwrap(), "nobody has the hash of nobody");
        assert!(!hasher.verify(Some("no hash"), "").await.unwrap());
    }
}
