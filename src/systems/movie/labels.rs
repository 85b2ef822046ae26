//! What people call what is on the wire.

use crate::domain::{Label, Mark};

/// The labels of the movie booking.
pub const LABELS: &[Label] = &[
    Label::new("movie", "영화 예매", "Movie booking"),
    Label::new("book", "예매", "Booking"),
    Label::new("books", "예매", "Bookings"),
    Label::new("bookingId", "예매 번호", "Booking"),
    Label::new("qty", "매수", "Seats in number"),
    Label::new("movieName", "영화", "Movie"),
    Label::new("seat", "좌석", "Seats"),
    Label::new("totalPrice", "총 금액", "Total").marked(Mark::Won),
    Label::new("price", "금액", "Price").marked(Mark::Won),
    Label::new("showtime", "상영 시각", "Showtime"),
    Label::new("score", "포인트", "Points"),
    Label::new("contents", "적립 내용", "For"),
    Label::new("Registered", "처리 중", "Being settled").marked(Mark::Waiting),
    Label::new("Booked", "예매됨", "Booked").marked(Mark::Good),
    Label::new("PaidComplete", "결제 완료", "Paid").marked(Mark::Good),
    Label::new("PrintComplete", "발권됨", "Printed").marked(Mark::Good),
    Label::new("status=Canceled", "취소됨", "Cancelled").marked(Mark::Ended),
    Label::new("Canceled", "예매 취소", "Cancel the booking"),
    Label::new("Declined", "결제 거절", "Declined").marked(Mark::Ended),
    Label::new("Unanswered", "응답 없음", "No answer").marked(Mark::Ended),
    Label::new("Paid", "결제됨", "Paid").marked(Mark::Good),
    Label::new("Waiting", "발권 전", "Not printed yet").marked(Mark::Good),
    Label::new("status=Printed", "발권됨", "Printed").marked(Mark::Good),
    Label::new("Printed", "발권", "Print the ticket"),
    Label::new("Waiting Point", "적립 예정", "To be credited"),
    Label::new("Pointed", "적립됨", "Credited").marked(Mark::Good),
    Label::new("mypage", "진행 현황", "Progress"),
    Label::new("mypages", "진행 현황", "Progress"),
];
