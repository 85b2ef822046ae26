//! What people call what is on the wire.

use crate::domain::{Label, Mark};

/// The labels of the purifier rental.
pub const LABELS: &[Label] = &[
    Label::new("purifier", "정수기 렌탈", "Water purifier rental"),
    Label::new("amt", "월 렌탈료", "Price").marked(Mark::Won),
    Label::new("stock", "재고", "In stock"),
    Label::new("stockChange", "재고 증감", "Change of stock"),
    Label::new("stock=0", "품절", "Sold out").marked(Mark::Taken),
    Label::new("RentalPlaced", "렌탈 신청됨", "Rental placed").marked(Mark::Good),
    Label::new("RentalCanceled", "렌탈 취소됨", "Rental cancelled").marked(Mark::Ended),
    Label::new("PAYMENT COMPLETED", "결제 완료", "Paid").marked(Mark::Good),
    Label::new("PAYMENT CANCELED", "결제 취소", "Payment cancelled").marked(Mark::Ended),
    Label::new("DeliveryStarted", "배송 시작", "Delivery started").marked(Mark::Good),
    Label::new("DeliveryCanceled", "배송 취소", "Delivery cancelled").marked(Mark::Ended),
    Label::new("Withheld", "보류", "Withheld").marked(Mark::Ended),
    Label::new("Declined", "결제 거절", "Declined").marked(Mark::Ended),
    Label::new("Unanswered", "응답 없음", "No answer").marked(Mark::Ended),
    Label::new("Cancel", "렌탈 취소", "Cancel the rental"),
    Label::new("mypage", "진행 현황", "Progress"),
    Label::new("mypages", "진행 현황", "Progress"),
    Label::new("QUEUED", "발송 대기", "Queued").marked(Mark::Waiting),
    Label::new("SENT", "발송됨", "Sent").marked(Mark::Good),
    Label::new("REFUSED", "발송 실패", "Not sent").marked(Mark::Ended),
    Label::new("sentAt", "발송 시각", "Sent at"),
    Label::new("notification", "문자 메시지", "Text message"),
    Label::new("notifications", "문자 메시지", "Text messages"),
    Label::new("out-of-stock", "품절", "sold out"),
    Label::new("price-differs", "가격이 다름", "the price has changed"),
    Label::new("product-unknown", "없는 상품", "there is no such product"),
    Label::new("payment-declined", "결제 거절", "the payment was declined"),
];
