//! What people call what is on the wire.

use crate::domain::{Label, Mark};

/// The labels of the bike rental.
pub const LABELS: &[Label] = &[
    Label::new("gbike", "공유 자전거", "Bike sharing"),
    Label::new("bikeid", "자전거", "Bike"),
    Label::new("rentid", "대여 번호", "Rent"),
    Label::new("billid", "청구서 번호", "Bill"),
    Label::new("location", "위치", "Where it is"),
    Label::new("endlocation", "반납 위치", "Where it is left"),
    Label::new("starttime", "시작", "Begun"),
    Label::new("endtime", "종료", "Ended"),
    Label::new("rentStarttime", "시작", "Begun"),
    Label::new("rentEndTime", "종료", "Ended"),
    Label::new("fee", "요금", "Fee").marked(Mark::Won),
    Label::new("deposit", "예치금", "Deposit").marked(Mark::Won),
    Label::new("arrears", "미납금", "Owed").marked(Mark::Won),
    Label::new("rentStatus", "대여 상태", "Rent"),
    Label::new("billingStatus", "청구 상태", "Bill"),
    Label::new("사용가능", "이용 가능", "Available").marked(Mark::Free),
    Label::new("사용중", "이용 중", "In use").marked(Mark::Taken),
    Label::new("불량", "고장", "Out of order").marked(Mark::Taken),
    Label::new("RENTED", "이용 중", "Riding").marked(Mark::Good),
    Label::new("RETURNED", "반납됨", "Returned").marked(Mark::Good),
    Label::new("FAILED", "대여 실패", "Failed").marked(Mark::Ended),
    Label::new("OPENBILL", "청구 예정", "Open").marked(Mark::Waiting),
    Label::new("APPLYFEE", "요금 정산 중", "Being charged").marked(Mark::Waiting),
    Label::new("CLOSEBILL", "정산 완료", "Charged").marked(Mark::Good),
    Label::new("change", "반납", "Return the bike"),
    Label::new("userDeposit", "예치금", "Deposit"),
    Label::new("userDeposits", "예치금", "Deposits"),
    Label::new("userDeposit.new", "입금", "Pay in"),
    Label::new("rentAndBillingView", "진행 현황", "Progress"),
    Label::new("rentAndBillingViews", "진행 현황", "Progress"),
];
