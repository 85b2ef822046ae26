//! `[[auth.issuers]]`: the OpenID providers whose tokens are taken.

use super::check::{Invalid, require_setting};
use crate::credentials::{Issuer, RoleName, TokenAlgorithm, wrong_issuer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So many may be trusted.
const MOST: usize = 16;

/// An OpenID provider whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerSection {
    /// URL of the provider, exactly as its tokens have it in `iss`. Its keys are found from its discovery document, below
    /// `/.well-known/openid-configuration`.
    #[schemars(extend("x-expected" = "a URL such as `https://id.example`"))]
    pub url: String,
    /// What its tokens must have in `aud`: the name of this server at the provider.
    #[schemars(extend("x-expected" = "text such as `holdfast`"))]
    pub audience: String,
    /// Algorithms that its tokens may be signed with.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Claim with the roles, a list or a text with spaces: its name, or a JSON Pointer such as `/realm_access/roles`.
    pub roles_claim: String,
    /// The provider's words for roles, such as `shop-manager=staff`. Other words mean nothing then. Without any, its words are
    /// `customer`, `staff`, `admin`, `operator`, `auditor`.
    #[schemars(extend("x-default" = "the names of the roles", "x-expected" = "a list of words with their roles, such as `shop-manager=staff`"))]
    pub roles: Vec<String>,
    /// Claim with the customer that its holder is to the business: a text or a whole number.
    pub customer_claim: String,
    /// Claim with the grade of that customer.
    pub grade_claim: String,
}

impl Default for IssuerSection {
    fn default() -> Self {
        Self {
            url: String::new(),
            audience: String::new(),
            algorithms: vec![TokenAlgorithm::RS256, TokenAlgorithm::ES256, TokenAlgorithm::EdDSA],
            roles_claim: "roles".to_owned(),
            roles: Vec::new(),
            customer_claim: "customer".to_owned(),
            grade_claim: "grade".to_owned(),
        }
    }
}

impl IssuerSection {
    /// It as tokens are judged by it.
    pub fn issuer(&self) -> Issuer {
        Issuer {
            url: self.url.clone(),
            audience: self.audience.clone(),
            algorithms: self.algorithms.clone(),
            roles_claim: self.roles_claim.clone(),
            customer_claim: self.customer_claim.clone(),
            grade_claim: self.grade_claim.clone(),
            roles: self.roles.iter().filter_map(|name| name.parse().ok()).collect(),
        }
    }

    /// All that is wrong with it, as it is under `key`.
    fn check(&self, key: &str) -> Vec<Result<(), Invalid>> {
        let Self { audience, algorithms, .. } = self;
        let claims = [
            ("roles_claim", &self.roles_claim),
            ("customer_claim", &self.customer_claim),
            ("grade_claim", &self.grade_claim),
        ];
        let mut checks = vec![
            self.check_url(key),
            require_setting(!audience.is_empty(), format!("{key}.audience"), || {
                "required: what the tokens for this server have in `aud`; without it, tokens for others would be taken".into()
            }),
            require_setting(!algorithms.is_empty(), format!("{key}.algorithms"), || {
                "without an algorithm no token can be taken; leave it out for all three".into()
            }),
        ];
        checks.extend(claims.map(|(name, claim)| check_claim(&format!("{key}.{name}"), claim)));
        checks.extend(self.roles.iter().map(|name| {
            let wrong = name.parse::<RoleName>().err();
            require_setting(wrong.is_none(), format!("{key}.roles"), || {
                let wrong = wrong.map(|wrong| wrong.to_string()).unwrap_or_default();
                format!("`{name}`: {wrong}")
            })
        }));
        checks
    }

    fn check_url(&self, key: &str) -> Result<(), Invalid> {
        let url = &self.url;
        require_setting(!url.is_empty(), format!("{key}.url"), || {
            "required: the URL of the provider, as its tokens have it in `iss`".into()
        })?;
        let wrong = wrong_issuer(url);
        require_setting(wrong.is_none(), format!("{key}.url"), || {
            let wrong = wrong.unwrap_or_default();
            format!("`{url}` {wrong}; expected a URL such as `https://id.example`")
        })
    }
}

/// Checks the name of a claim. With dots and no other mark of a URL, a claim within others was meant, which is a JSON Pointer.
fn check_claim(key: &str, claim: &str) -> Result<(), Invalid> {
    let is_path = claim.contains('.') && !claim.contains(['/', ':']);
    require_setting(!is_path, key, || {
        let within = claim.replace('.', "/");
        format!(
            "`{claim}`: write `/{within}` for a claim within another, or `/{claim}` for one whose name has dots"
        )
    })
}

/// Checks all of them.
pub(super) fn check_issuers(issuers: &[IssuerSection]) -> Vec<Result<(), Invalid>> {
    let count = issuers.len();
    let mut checks = vec![require_setting(count <= MOST, "auth.issuers", || {
        format!("{count} issuers are more than {MOST}, which are the most")
    })];
    for (at, issuer) in issuers.iter().enumerate() {
        let key = format!("auth.issuers[{at}]");
        checks.extend(issuer.check(&key));
        let is_same = |other: &IssuerSection| !other.url.is_empty() && other.url == issuer.url;
        let before = issuers.iter().take(at).position(is_same);
        checks.push(require_setting(before.is_none(), format!("{key}.url"), || {
            let before = before.unwrap_or_default();
            format!("`{}` is that of auth.issuers[{before}] already", issuer.url)
        }));
    }
    checks
}
