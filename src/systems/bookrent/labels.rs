//! What people call what is on the wire.

use crate::domain::{Label, Mark};

/// The labels of the book rental.
pub const LABELS: &[Label] = &[
    Label::new("bookrent", "도서 대여", "Book rental"),
    Label::new("status=true", "대여 가능", "Available").marked(Mark::Free),
    Label::new("status=false", "대여 중", "On loan").marked(Mark::Taken),
    Label::new("status", "대여할 수 있음", "May be rented"),
    Label::new("rents", "대여", "Rents"),
    Label::new("Rent", "대여됨", "Rented").marked(Mark::Good),
    Label::new("Fail", "대여 실패", "Failed").marked(Mark::Ended),
    Label::new("status=Cancel", "취소됨", "Cancelled").marked(Mark::Ended),
    Label::new("rentStatus=Cancel", "취소됨", "Cancelled").marked(Mark::Ended),
    Label::new("Cancel", "대여 취소", "Cancel the rent"),
    Label::new("book-out", "이미 대여 중인 도서", "the book is out"),
    Label::new("book-unknown", "없는 도서", "there is no such book"),
    Label::new("rentStatus", "대여 상태", "Rent"),
    Label::new("deliveryStatus", "배송 상태", "Delivery"),
    Label::new("Delivery Started", "배송 시작", "Delivery started").marked(Mark::Good),
    Label::new("Delivery Cancelled", "배송 취소", "Delivery cancelled").marked(Mark::Ended),
    Label::new("Withheld", "보류", "Withheld").marked(Mark::Ended),
    Label::new("view", "현황", "Overview"),
    Label::new("views", "현황", "Overview"),
];
