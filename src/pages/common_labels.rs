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
