use holdfast_macros::entity;

#[entity(contxt = "shop.order", collection = "orders")]
struct UnknownKey {
    status: u8,
}

#[entity(collection = "orders")]
struct WithoutContext {
    status: u8,
}

#[entity(context = "order", collection = "orders")]
struct WithoutSystem {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", port = "8081")]
struct PortThatIsText {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", port = 80810)]
struct PortThatIsNone {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", supporting, generic)]
struct TwoKinds {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", order, order)]
struct Twice {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders", id(order_id))]
struct NumberWithoutType {
    status: u8,
}

#[entity(context = "shop.order", collection = "orders")]
struct NothingSaysWhetherItExists {
    amount: u64,
}

#[entity(context = "shop.order", collection = "orders")]
struct TwoFieldsSayWhetherItExists {
    #[exists]
    amount: u64,
    #[exists]
    name: String,
}

#[entity(context = "shop.order", collection = "orders")]
struct ShownWithoutValue {
    #[shown(city: String)]
    status: u8,
}

#[entity(context = "shop.order", collection = "orders")]
struct TwoFieldsWithdraw {
    status: u8,
    #[withdrawn]
    gone: bool,
    #[withdrawn]
    lost: bool,
}

#[entity(context = "shop.order", collection = "orders")]
struct ThereFromTheBeginning {
    #[since = 1]
    status: u8,
}

#[entity(context = "shop.order", collection = "orders")]
struct AVersionIsLeftOut {
    status: u8,
    #[since = 3]
    amount: u64,
}

#[entity(context = "shop.order", collection = "orders")]
struct WithoutNames(u64);

fn main() {}
