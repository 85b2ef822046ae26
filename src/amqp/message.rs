//! What a command looks like as a message, and its reply.

use crate::api::{Answer, Headers, header_text};
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};

const PERSISTENT: u8 = 2;
const CORRELATION: &str = "x-correlation-id";

/// What comes with a command beside its body. The names of its headers are those of HTTP, in any case of letters.
#[derive(Debug, Default)]
pub struct InboundCommand {
    headers: Vec<(String, Vec<u8>)>,
    /// Where the reply goes to.
    pub reply_to: Option<ShortString>,
    /// What the sender knows the reply by.
    correlation: Option<ShortString>,
    /// The user of the broker that sent it, which the broker has verified.
    pub user: Option<ShortString>,
    /// How often its delivery has failed.
    pub delivery_count: u32,
}

impl InboundCommand {
    /// What these properties say.
    pub fn from_properties(properties: &BasicProperties) -> Self {
        let table = properties.headers().clone().unwrap_or_default();
        let mut headers: Vec<_> = table
            .inner()
            .iter()
            .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value_bytes(value)))
            .collect();
        let mut put = |name: &str, value: &Option<ShortString>| {
            if let Some(value) =
                value.as_ref().filter(|_| !headers.iter().any(|(known, _)| known == name))
            {
                headers.push((name.to_owned(), value.as_str().as_bytes().to_vec()));
            }
        };
        put("content-type", properties.content_type());
        // Many clients name the charset here, which is no coding.
        let coding = properties.content_encoding().clone();
        let coding = coding.filter(|coding| !coding.as_str().eq_ignore_ascii_case("utf-8"));
        put("content-encoding", &coding);
        // A message has a name of its own, and the broker delivers it again under the same one.
        put("idempotency-key", properties.message_id());
        let mut message = Self { headers, ..Self::default() };
        message.delivery_count = header_text(&message, "x-delivery-count")
            .and_then(|count| count.parse().ok())
            .unwrap_or(0);
        message.reply_to = properties.reply_to().clone().filter(|queue| !queue.as_str().is_empty());
        message.user = properties.user_id().clone();
        message.correlation =
            properties.correlation_id().clone().or_else(|| properties.message_id().clone());
        message
    }

    /// What comes with `answer` beside its body.
    pub fn reply_properties(&self, answer: &Answer) -> BasicProperties {
        let long = |value: &str| AMQPValue::LongString(value.into());
        let mut headers = FieldTable::default();
        headers.insert("status".into(), AMQPValue::LongInt(answer.status.into()));
        for (name, value) in &answer.headers {
            headers.insert((*name).into(), long(value));
        }
        if let Some(correlation) = header_text(self, CORRELATION) {
            headers.insert(CORRELATION.into(), long(correlation));
        }
        let mut properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_app_id("holdfast".into())
            .with_headers(headers);
        if let Some((media, _)) = &answer.content {
            properties = properties.with_content_type((*media).into());
        }
        match &self.correlation {
            Some(correlation) => properties.with_correlation_id(correlation.clone()),
            None => properties,
        }
    }
}

impl Headers for InboundCommand {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }
}

/// A value as a header of HTTP would have it; one that could not be there is an empty one.
fn value_bytes(value: &AMQPValue) -> Vec<u8> {
    let number = |number: i128| number.to_string().into_bytes();
    match value {
        AMQPValue::LongString(text) => text.as_bytes().to_vec(),
        AMQPValue::ShortString(text) => text.as_str().as_bytes().to_vec(),
        AMQPValue::ShortShortInt(value) => number((*value).into()),
        AMQPValue::ShortShortUInt(value) => number((*value).into()),
        AMQPValue::ShortInt(value) => number((*value).into()),
        AMQPValue::ShortUInt(value) => number((*value).into()),
        AMQPValue::LongInt(value) => number((*value).into()),
        AMQPValue::LongUInt(value) => number((*value).into()),
        AMQPValue::LongLongInt(value) => number((*value).into()),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: AMQPValue) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(name.into(), value);
        BasicProperties::default().with_message_id("m1".into()).with_headers(headers)
    }

    #[test]
    fn the_name_of_a_message_is_its_key_unless_another_one_is_given() {
        let key = |properties| {
            InboundCommand::from_properties(&properties)
                .header("idempotency-key")
                .map(<[u8]>::to_vec)
        };
        assert_eq!(key(BasicProperties::default()), None);
        assert_eq!(key(with("path", AMQPValue::Void)).as_deref(), Some(b"m1".as_slice()));
        assert_eq!(
            key(with("Idempotency-Key", AMQPValue::LongInt(7))).as_deref(),
            Some(b"7".as_slice())
        );
        // What cannot be a key is not passed over for another one.
        assert_eq!(key(with("idempotency-key", AMQPValue::Void)).as_deref(), Some(b"".as_slice()));
    }

    #[test]
    fn a_reply_is_known_by_what_the_sender_called_the_command() {
        let answer = Answer {
            status: 204,
            headers: vec![("etag", "\"3\"".into())],
            content: None,
            owner: None,
        };
        let reply = |properties: BasicProperties| {
            InboundCommand::from_properties(&properties).reply_properties(&answer)
        };
        let named = with("X-Correlation-Id", AMQPValue::LongString("c1".into()));
        let said = reply(named.clone());
        assert_eq!(said.correlation_id().as_ref().map(ShortString::as_str), Some("m1"));
        let headers = said.headers().clone().unwrap_or_default();
        assert_eq!(headers.inner().get("status"), Some(&AMQPValue::LongInt(204)));
        assert_eq!(
            headers.inner().get("x-correlation-id"),
            Some(&AMQPValue::LongString("c1".into()))
        );
        let said = reply(named.with_correlation_id("r9".into()));
        assert_eq!(said.correlation_id().as_ref().map(ShortString::as_str), Some("r9"));
    }
}
