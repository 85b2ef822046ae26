use holdfast_macros::status;

#[status]
enum Empty {}

#[status]
enum WithData {
    New,
    Failed { reason: String },
}

#[status]
enum TwoMarks {
    #[absent]
    #[open]
    New,
}

#[status]
enum ShownAsNothing {
    New,
    #[shown_as(Waiting)]
    Printing,
}

#[status(rename_all = "SCREAMING_SNAKE_CASE")]
enum ShownAsOneWithoutName {
    Waiting,
    #[shown_as(Waiting)]
    Printing,
}

#[status(sorted)]
enum UnknownKey {
    New,
}

#[status]
enum NameThatIsNoText {
    #[name = 5]
    New,
}

fn main() {}
