//! What people call what is on the wire.

use crate::domain::{Label, Mark};

/// The labels of the ticketing.
pub const LABELS: &[Label] = &[
    Label::new("ticketing", "티켓 예약", "Ticketing"),
    Label::new("ticketId", "티켓", "Ticket"),
    Label::new("reservationId", "예약 번호", "Reservation"),
    Label::new("starttime", "시작", "Begins"),
    Label::new("endtime", "종료", "Ends"),
    Label::new("price", "정가", "Price").marked(Mark::Won),
    Label::new("discountedPrice", "판매가", "You pay").marked(Mark::Won),
    Label::new("updatedDate", "변경 시각", "Last change"),
    Label::new("reservationStatus", "예약 상태", "Reservation"),
    Label::new("예약가능", "예약 가능", "Available").marked(Mark::Free),
    Label::new("예약됨", "예약됨", "Reserved").marked(Mark::Taken),
    Label::new("만료됨", "만료됨", "Expired").marked(Mark::Ended),
    Label::new("RESERVED", "예약됨", "Reserved").marked(Mark::Good),
    Label::new("status=CANCELLED", "취소됨", "Cancelled").marked(Mark::Ended),
    Label::new("reservationStatus=CANCELLED", "취소됨", "Cancelled").marked(Mark::Ended),
    Label::new("CANCELLED", "예약 취소", "Cancel the reservation"),
    Label::new("Failed", "예약 실패", "Failed").marked(Mark::Ended),
    Label::new("view", "티켓 현황", "Overview"),
    Label::new("views", "티켓 현황", "Overview"),
];
