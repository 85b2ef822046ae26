//! Labels that are the same in every business, where a context does not declare its own.

use crate::domain::{Label, Mark};

const fn label(wire: &'static str, korean: &'static str, english: &'static str) -> Label {
    Label::new(wire, korean, english)
}

const fn marked(
    wire: &'static str,
    korean: &'static str,
    english: &'static str,
    mark: Mark,
) -> Label {
    Label::new(wire, korean, english).marked(mark)
}

/// What is not declared by the contexts themselves.
pub const COMMON: &[Label] = &[
    label("id", "번호", "Number"),
    label("title", "제목", "Title"),
    label("name", "이름", "Name"),
    label("status", "상태", "Status"),
    label("address", "주소", "Address"),
    label("location", "위치", "Location"),
    label("phone", "전화번호", "Phone"),
    label("plate", "차량 번호", "Number plate"),
    label("text", "내용", "Text"),
    label("reason", "사유", "Reason"),
    label("userId", "고객", "Customer"),
    label("userid", "고객", "Customer"),
    label("customerId", "고객", "Customer"),
    label("userGrade", "고객 등급", "Grade"),
    marked("withdrawn", "판매 중지", "Withdrawn", Mark::Hidden),
    marked("withdrawn=true", "판매 중지", "Withdrawn", Mark::Ended),
    marked("New", "준비 중", "In preparation", Mark::Waiting),
    marked("NEW", "준비 중", "In preparation", Mark::Waiting),
    marked("Requested", "처리 중", "Being settled", Mark::Waiting),
    label("true", "예", "Yes"),
    label("false", "아니요", "No"),
    label("still-open", "아직 처리 중입니다", "still being settled"),
    label("no-answer", "응답이 없었습니다", "no answer in time"),
    label("withdraw", "판매 중지", "Withdraw"),
    label("restore", "판매 재개", "Offer again"),
    label("correct", "수정", "Correct"),
    label("cancel", "취소", "Cancel"),
    label("Cancel", "취소", "Cancel"),
    label("return", "반납", "Return"),
    label("end", "종료", "End"),
    label("approve", "승인", "Approve"),
    label("reject", "거절", "Reject"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{actors::collect_declarations, systems};
    use schemars::generate::SchemaSettings;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// The names on the wire that people meet: fields, and values of which there are few.
    fn names_in(schema: &Value, found: &mut BTreeSet<String>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        found.extend(properties.into_iter().flatten().map(|(name, _)| name.clone()));
        match schema {
            Value::Object(members) => {
                let listed = members.get("enum").and_then(Value::as_array).into_iter().flatten();
                let values = listed.chain(members.get("const")).filter_map(Value::as_str);
                found.extend(values.map(str::to_owned));
                members.values().for_each(|inner| names_in(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|inner| names_in(inner, found)),
            _ => {}
        }
    }

    #[test]
    fn each_field_and_status_of_each_system_has_a_label_in_both_languages() {
        let mut missing = Vec::new();
        for system in systems::NAMES {
            let contexts = collect_declarations(|board| {
                systems::lay_out(system, board);
            });
            let own: Vec<&Label> = contexts.iter().flat_map(|context| context.labels()).collect();
            let nouns: Vec<String> =
                contexts.iter().map(|context| context.name().item.to_lowercase()).collect();
            assert!(own.iter().any(|label| label.wire == *system), "{system} has no title");
            let is_known = |name: &str| {
                let ends = format!("={name}");
                let mut labels = own.iter().copied().chain(COMMON);
                let stem = name.strip_suffix("Id").or_else(|| name.strip_suffix("id"));
                // A field that names another thing is called what that is called.
                stem.is_some_and(|stem| nouns.contains(&stem.to_lowercase()))
                    || labels.any(|label| label.wire == name || label.wire.ends_with(&ends))
            };
            let mut found = BTreeSet::new();
            for context in &contexts {
                let inlined = || {
                    SchemaSettings::draft2020_12()
                        .with(|settings| settings.inline_subschemas = true)
                };
                let mut generator = inlined().for_serialize().into_generator();
                names_in(&context.shown_schema(&mut generator).to_value(), &mut found);
                for body in context.routes().iter().flat_map(|route| &route.bodies) {
                    let schema = body(&mut inlined().into_generator()).to_value();
                    names_in(&schema, &mut found);
                }
            }
            let unknown = found.iter().filter(|name| !is_known(name));
            missing.extend(unknown.map(|name| format!("{system}: {name}")));
        }
        assert!(missing.is_empty(), "{missing:#?}");
        assert!(COMMON.iter().all(|label| !label.korean.is_empty() && !label.english.is_empty()));
    }
}
