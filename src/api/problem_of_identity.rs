//! The problems of senders that cannot be identified.

use super::problem::Problem;
use crate::identity::Unidentified;

/// The challenge to a sender whose credentials are not valid.
const CHALLENGE: &str = "Bearer error=\"invalid_token\"";

impl From<Unidentified> for Problem {
    fn from(why: Unidentified) -> Self {
        match why {
            Unidentified::Malformed(what) => {
                Self::new("bad-identity", what, "`X-Holdfast-As` 헤더가 올바르지 않습니다")
            }
            Unidentified::Invalid(what) => Self::new(
                "invalid-token",
                format!("the credentials are not valid: {what}"),
                "인증 정보가 올바르지 않거나 만료되었습니다",
            )
            .with_parameter("www-authenticate", CHALLENGE.to_owned()),
            Unidentified::Unavailable(what) => Self::new(
                "retry-later",
                format!("the credentials cannot be verified at present: {what}"),
                "지금은 인증 정보를 확인할 수 없습니다",
            )
            .with_parameter("retry-after", "1".to_owned()),
        }
    }
}
