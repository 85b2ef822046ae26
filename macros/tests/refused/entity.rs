use holdfast_macros::entity;

#[entity(contxt = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct UnknownKey {
    status: u8,
}

#[entity(collection = "orders", reads = owner, korean = "주문")]
struct WithoutContext {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders")]
struct WithoutKoreanName {
    status: u8,
}

#[entity(context = "order", collection = "orders", reads = owner, korean = "주문")]
struct WithoutSystem {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문", port = "8081")]
struct PortThatIsText {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문", port = 80810)]
struct PortThatIsNone {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문", supporting, generic)]
struct TwoKinds {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문", order, order)]
struct Twice {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문", id(order_id))]
struct NumberWithoutType {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct NothingSaysWhetherItExists {
    amount: u64,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct TwoFieldsSayWhetherItExists {
    #[exists]
    amount: u64,
    #[exists]
    name: String,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct ShownWithoutType {
    #[shown(city)]
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct EndedByNothing {
    status: u8,
    #[ends(of = refusal_of)]
    reason: Option<String>,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct TwoFieldsWithdraw {
    status: u8,
    #[withdrawn]
    gone: bool,
    #[withdrawn]
    lost: bool,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct ThereFromTheBeginning {
    #[since = 1]
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct AVersionIsLeftOut {
    status: u8,
    #[since = 3]
    amount: u64,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등")]
struct CorrectedAndNeverWithdrawn {
    #[exists]
    #[correctable]
    name: String,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등", catalogue)]
struct NothingToCorrect {
    #[exists]
    name: String,
    #[withdrawn]
    withdrawn: bool,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등")]
struct DecidedWhereNothingIsMade {
    #[exists]
    #[correctable(unless = self.is_out)]
    name: String,
    is_out: bool,
    #[withdrawn]
    withdrawn: bool,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등", catalogue)]
struct UnknownKeyOfACorrection {
    #[exists]
    #[correctable(if_free = self.is_out)]
    name: String,
    #[withdrawn]
    withdrawn: bool,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등", catalogue)]
struct CorrectionThatIsText {
    #[exists]
    #[correctable = "name"]
    name: String,
    #[withdrawn]
    withdrawn: bool,
}

#[entity(context = "shop.lamp", collection = "lamps", reads = owner, korean = "등", catalogue)]
struct CorrectedAndWithdrawnByOneField {
    #[exists]
    name: String,
    #[correctable]
    #[withdrawn]
    withdrawn: bool,
}

#[entity(context = "shop.order", collection = "orders", reads = owner, korean = "주문")]
struct WithoutNames(u64);

#[entity(context = "shop.order", collection = "orders", korean = "주문")]
struct NothingSaysWhoMayReadIt {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", korean = "주문", reads = everyone)]
struct ReadBySomethingElse {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", korean = "주문", reads = public_without(user))]
struct WithoutAFieldThatIsNotShown {
    status: u8,
}

fn main() {}
