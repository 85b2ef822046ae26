//! placeholder
#[derive(Debug)]
pub struct BadBody {
    pub pointer: String,
    pub detail: String,
}
pub fn read<T: serde::de::DeserializeOwned>(body: serde_json::Value) -> Result<T, BadBody> {
    serde_json::from_value(body).map_err(|e| BadBody { pointer: String::new(), detail: e.to_string() })
}
