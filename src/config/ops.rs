//! `[ops]`: a port for operators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A port for operators.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ops {
    /// Address such as `10.0.0.5:9090` where administration, metrics and health in detail are served, and nowhere else.
    #[schemars(extend("x-default" = "they are on `http.listen`", "x-expected" = "an address such as `127.0.0.1:9090`"))]
    pub listen: Option<SocketAddr>,
}
