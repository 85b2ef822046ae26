use holdfast_macros::{body, command, event};

struct Id<T>(std::marker::PhantomData<T>);
struct Order;

#[command]
enum UndoOfNothing {
    #[undo]
    Release { order: Id<Order> },
}

#[command]
enum UndoWithoutAttempt {
    #[undo(of = order)]
    Release { order: Id<Order> },
}

#[command]
enum UndoOfANumber {
    #[undo(of = order, attempt = 1)]
    Release { order: u64 },
}

#[command]
enum UndoWithoutFields {
    #[undo(of = order, attempt = 1)]
    Release,
}

#[command]
enum MaintainsNothing {
    #[catalogue]
    Maintain,
}

#[event(version = 2)]
enum UnknownKey {
    Ordered { order: Id<Order> },
}

#[body]
fn not_a_body() {}

fn main() {}
