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

struct Lamp;
struct CorrectedLamp;

#[event]
enum NeverRestored {
    #[corrected]
    LampCorrected(CorrectedLamp),
    #[withdrawn]
    LampWithdrawn { lamp_id: Id<Lamp> },
}

#[event]
enum CorrectedByTwo {
    #[corrected]
    LampCorrected(CorrectedLamp),
    #[corrected]
    LampRenamed(CorrectedLamp),
    #[withdrawn]
    LampWithdrawn { lamp_id: Id<Lamp> },
    #[restored]
    LampRestored { lamp_id: Id<Lamp> },
}

#[event]
enum CorrectedWithoutValue {
    #[corrected]
    LampCorrected { name: String },
    #[withdrawn]
    LampWithdrawn { lamp_id: Id<Lamp> },
    #[restored]
    LampRestored { lamp_id: Id<Lamp> },
}

#[event]
enum WithdrawnWithoutNumber {
    #[corrected]
    LampCorrected(CorrectedLamp),
    #[withdrawn]
    LampWithdrawn { lamp_id: u64 },
    #[restored]
    LampRestored { lamp_id: Id<Lamp> },
}

#[event]
enum MarkWithAValue {
    #[corrected(CorrectedLamp)]
    LampCorrected(CorrectedLamp),
}

#[body]
struct OfTwoCustomers {
    #[subject]
    customer_id: u64,
    #[subject]
    user_id: u64,
}

#[body]
struct GradeOfNoCustomer {
    #[grade]
    user_grade: Option<String>,
}

#[body]
struct SubjectWithAName {
    #[subject = "userId"]
    user_id: u64,
}

#[body]
fn not_a_body() {}

fn main() {}
