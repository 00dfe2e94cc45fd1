//! Agent options and settings that do not fit, in the words of the API.

use domain::settings::agent_options::Wrong;
use domain::settings::patch::PatchError;
use infra_http::Problem;

pub fn wrong_options(wrong: Wrong) -> Problem {
    match wrong {
        Wrong::UnsupportedKey(key) => Problem::unsupported_key(&key),
        Wrong::Type { path, expected, got } => Problem::wrong_type(&path, expected, got),
        Wrong::Secret(flag) => Problem::bad_request(format!(
            "{flag} is a secret, and agent options are kept and shown in the clear: give it in the host's flag file"
        )),
        Wrong::Limit { path, limit } => Problem::bad_request(format!("{path} must be at most {limit}")),
    }
}

pub fn wrong_patch(error: PatchError) -> Problem {
    match error {
        PatchError::UnsupportedKey(key) => Problem::unsupported_key(&key),
        PatchError::WrongType => Problem::bad_request("failed to decode app config"),
        PatchError::AgentOptions(wrong) => wrong_options(wrong),
        PatchError::Invalid(fields) => Problem::all_invalid(fields),
    }
}
