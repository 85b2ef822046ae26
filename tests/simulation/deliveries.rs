//! BookRent's pure code under deliveries that are shuffled and doubled: whatever comes when and how often, the world is
//! right in the end.
use holdfast::{
    domain::{
        Aggregate, AskId, Commands, DecisionContext, Entity, Folds, Id, Lifecycle, NoAnswer,
        ONLY_ATTEMPT, Policies, React, ReactByKey, Refusal, Timestamp, View,
    },
    systems::bookrent::{
        book::{self, Book},
        delivery::{self, Delivery},
        rent::{self, Rent},
        view::Row,
    },
};
use proptest::prelude::*;
use std::{any::Any, collections::BTreeMap};

/// What a context does about the events of each source, by the source's name.
#[derive(Default)]
struct Ears(BTreeMap<&'static str, Box<dyn Any>>);

impl<A: Aggregate> Policies<A> for Ears {
    fn on<S: Aggregate>(&mut self, react: React<A, S>) {
        self.0.insert(S::NAME.context, Box::new(react));
    }
    fn on_key<S: Aggregate>(&mut self, _: ReactByKey<A, S>) {
        unreachable!("nothing in BookRent is found by a key")
    }
    fn creating<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<A::Command>) {
        unreachable!("nothing in BookRent comes to be by policy")
    }
}

type FoldOf<S> =
    (fn(&<S as Aggregate>::Event) -> Option<u64>, fn(&mut Row, &<S as Aggregate>::Event));

impl Folds<Row> for Ears {
    fn on<S: Aggregate>(
        &mut self,
        row: fn(&S::Event) -> Option<u64>,
        fold: fn(&mut Row, &S::Event),
    ) {
        self.0.insert(S::NAME.context, Box::<FoldOf<S>>::new((row, fold)));
    }
}

impl Ears {
    fn of<A: Aggregate>() -> Self {
        let mut ears = Self::default();
        A::whenever(&mut ears);
        ears
    }
    fn react<A: Aggregate, S: Aggregate>(&self, event: &S::Event) -> Option<(Id<A>, A::Command)> {
        self.0.get(S::NAME.context)?.downcast_ref::<React<A, S>>().expect("of this type")(event)
    }
    fn fold<S: Aggregate>(&self, rows: &mut BTreeMap<u64, Row>, event: &S::Event) {
        let Some(ear) = self.0.get(S::NAME.context) else { return };
        let (row, fold) = ear.downcast_ref::<FoldOf<S>>().expect("of this type");
        if let Some(number) = row(event) {
            fold(rows.entry(number).or_default(), event);
        }
    }
}

/// Something on its way.
#[derive(Debug, Clone)]
enum Parcel {
    Take(Id<Rent>),
    Settle(Id<Rent>, Result<(), NoAnswer>),
    Cancel(Id<Rent>),
    ToBook(Id<Book>, book::Command),
    ToDelivery(Id<Delivery>, delivery::Command),
}

#[derive(Debug, Clone, PartialEq)]
enum Kept {
    Said(Result<(), Refusal>),
    Withdrawn,
}

/// All of BookRent, without a runtime: states, logs, and what is on its way.
#[derive(Default)]
struct World {
    books: BTreeMap<u64, Book>,
    rents: BTreeMap<u64, (u64, Rent)>,
    deliveries: BTreeMap<u64, Delivery>,
    said_by_rents: Vec<rent::Event>,
    said_by_deliveries: Vec<delivery::Event>,
    answers: BTreeMap<AskId, Kept>,
    parcels: Vec<Parcel>,
}

fn decide<A: Aggregate<Settings = ()>>(
    state: &mut A,
    id: Id<A>,
    command: A::Command,
) -> Result<Vec<A::Event>, Refusal> {
    let events =
        state.decide(command, &DecisionContext { id, at: Timestamp::default(), settings: &() })?;
    events.iter().for_each(|event| state.evolve(event));
    Ok(events)
}

impl World {
    fn with_books(books: u64) -> Self {
        let mut world = Self::default();
        for number in 1..=books {
            let mut book = Book::default();
            let register = book::Register { title: "title".into(), status: None };
            decide(&mut book, Id::new(number), book::Command::Register(register))
                .expect("registers");
            world.books.insert(number, book);
        }
        world
    }

    fn request(&mut self, book: u64) {
        let number = self.rents.len() as u64 + 1;
        let request =
            rent::Request { book_id: Id::new(book), user_id: number, address: "a".into() };
        let mut rent = Rent::default();
        self.said_by_rents.extend(
            decide(&mut rent, Id::new(number), rent::Command::Request(request))
                .expect("is recorded"),
        );
        assert!(rent.awaits(Id::new(number)).is_some(), "it asks its book");
        self.rents.insert(number, (book, rent));
        self.parcels.push(Parcel::Take(Id::new(number)));
    }

    fn command_rent(&mut self, rent: Id<Rent>, command: rent::Command) {
        let (_, state) = self.rents.get_mut(&rent.get()).expect("a rent");
        // A client's cancel may be refused; nothing comes of it then.
        self.said_by_rents.extend(decide(state, rent, command).unwrap_or_default());
    }

    /// The book's answer to an ask, kept as the runtime keeps it.
    fn ask(&mut self, rent: Id<Rent>) -> Result<(), NoAnswer> {
        let id = AskId::of(rent, ONLY_ATTEMPT);
        let number = self.rents[&rent.get()].0;
        let state = self.books.entry(number).or_default();
        let said = match self.answers.get(&id) {
            Some(Kept::Withdrawn) => return Err(NoAnswer::Unavailable),
            Some(Kept::Said(said)) => said.clone(),
            None => decide(state, Id::new(number), book::Command::Take { rent }).map(|_| ()),
        };
        self.answers.insert(id, Kept::Said(said.clone()));
        said.map_err(NoAnswer::Refused)
    }

    fn take(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Take(rent) => {
                let answer = self.ask(rent);
                self.parcels.push(Parcel::Settle(rent, answer));
            }
            Parcel::Settle(rent, answer) => self.command_rent(rent, rent::Command::Settle(answer)),
            Parcel::Cancel(rent) => self.command_rent(rent, rent::Command::Cancel),
            Parcel::ToBook(id, command) => {
                if let Some(ask) = command.compensates() {
                    self.answers.insert(ask, Kept::Withdrawn);
                }
                decide(self.books.entry(id.get()).or_default(), id, command)
                    .expect("a policy's command is not refused");
            }
            Parcel::ToDelivery(id, command) => {
                let state = self.deliveries.entry(id.get()).or_default();
                self.said_by_deliveries
                    .extend(decide(state, id, command).expect("a policy's command is not refused"));
            }
        }
    }
}

/// How far each listener has come in each source's log.
#[derive(Default)]
struct Positions {
    book: [usize; 2],
    delivery: usize,
    view: [usize; 2],
}

/// Runs a world to its end, in the order that `choices` say; what they double comes twice, at any distance.
fn run(books: u64, orders: &[(u64, bool)], choices: &[u16]) -> (World, BTreeMap<u64, Row>) {
    let mut world = World::with_books(books);
    let mut at = Positions::default();
    let mut rows = BTreeMap::new();
    let ears_of_book = Ears::of::<Book>();
    let ears_of_delivery = Ears::of::<Delivery>();
    let mut ears_of_view = Ears::default();
    Row::folds(&mut ears_of_view);
    let mut orders = orders.iter();
    let mut choices = choices.iter();
    loop {
        let choice = choices.next().copied();
        let pick = usize::from(choice.unwrap_or(0) >> 2);
        let doubled = choice.is_some_and(|choice| choice & 3 == 0);
        let copies = 1 + usize::from(doubled);
        match pick % 8 {
            0 => {
                if let Some((book, lost)) = orders.next() {
                    world.request(*book);
                    let rent = Id::new(world.rents.len() as u64);
                    world.parcels.push(Parcel::Cancel(rent));
                    if *lost {
                        world.parcels.push(Parcel::Settle(rent, Err(NoAnswer::Unavailable)));
                    }
                    continue;
                }
            }
            1 if at.book[0] < world.said_by_rents.len() => {
                let command = ears_of_book.react::<Book, Rent>(&world.said_by_rents[at.book[0]]);
                at.book[0] += 1;
                world.parcels.extend(
                    command
                        .into_iter()
                        .cycle_n(copies, |(id, command)| Parcel::ToBook(id, command)),
                );
                continue;
            }
            2 if at.book[1] < world.said_by_deliveries.len() => {
                let command =
                    ears_of_book.react::<Book, Delivery>(&world.said_by_deliveries[at.book[1]]);
                at.book[1] += 1;
                world.parcels.extend(
                    command
                        .into_iter()
                        .cycle_n(copies, |(id, command)| Parcel::ToBook(id, command)),
                );
                continue;
            }
            3 if at.delivery < world.said_by_rents.len() => {
                let command =
                    ears_of_delivery.react::<Delivery, Rent>(&world.said_by_rents[at.delivery]);
                at.delivery += 1;
                let parcel = |(id, command)| Parcel::ToDelivery(id, command);
                world.parcels.extend(command.into_iter().cycle_n(copies, parcel));
                continue;
            }
            4 if at.view[0] < world.said_by_rents.len() => {
                ears_of_view.fold::<Rent>(&mut rows, &world.said_by_rents[at.view[0]]);
                at.view[0] += 1;
                continue;
            }
            5 if at.view[1] < world.said_by_deliveries.len() => {
                ears_of_view.fold::<Delivery>(&mut rows, &world.said_by_deliveries[at.view[1]]);
                at.view[1] += 1;
                continue;
            }
            _ if !world.parcels.is_empty() => {
                let parcel = world.parcels.swap_remove(pick % world.parcels.len());
                if doubled {
                    world.take(parcel.clone());
                }
                world.take(parcel);
                continue;
            }
            _ => {}
        }
        // Nothing to do in this place: look in the next, until all is quiet.
        let rents = world.said_by_rents.len();
        let deliveries = world.said_by_deliveries.len();
        let heard = at.book == [rents, deliveries]
            && at.delivery == rents
            && at.view == [rents, deliveries];
        if choice.is_none() {
            if heard && world.parcels.is_empty() && orders.len() == 0 {
                return (world, rows);
            }
            return finish(
                world,
                at,
                rows,
                orders.copied().collect(),
                [ears_of_book, ears_of_delivery, ears_of_view],
            );
        }
    }
}

/// What is left when the choices are used up is taken in order.
fn finish(
    mut world: World,
    mut at: Positions,
    mut rows: BTreeMap<u64, Row>,
    orders: Vec<(u64, bool)>,
    [book, delivery, view]: [Ears; 3],
) -> (World, BTreeMap<u64, Row>) {
    orders.iter().for_each(|(number, _)| world.request(*number));
    loop {
        let before =
            (world.parcels.len(), world.said_by_rents.len(), world.said_by_deliveries.len());
        for parcel in std::mem::take(&mut world.parcels) {
            world.take(parcel);
        }
        for event in &world.said_by_rents[at.book[0]..] {
            world.parcels.extend(
                book.react::<Book, Rent>(event).map(|(id, command)| Parcel::ToBook(id, command)),
            );
        }
        for event in &world.said_by_deliveries[at.book[1]..] {
            world.parcels.extend(
                book.react::<Book, Delivery>(event)
                    .map(|(id, command)| Parcel::ToBook(id, command)),
            );
        }
        for event in &world.said_by_rents[at.delivery..] {
            let command = delivery.react::<Delivery, Rent>(event);
            world.parcels.extend(command.map(|(id, command)| Parcel::ToDelivery(id, command)));
        }
        world.said_by_rents[at.view[0]..]
            .iter()
            .for_each(|event| view.fold::<Rent>(&mut rows, event));
        world.said_by_deliveries[at.view[1]..]
            .iter()
            .for_each(|event| view.fold::<Delivery>(&mut rows, event));
        let rents = world.said_by_rents.len();
        let deliveries = world.said_by_deliveries.len();
        at = Positions { book: [rents, deliveries], delivery: rents, view: [rents, deliveries] };
        if world.parcels.is_empty() && before == (0, rents, deliveries) {
            return (world, rows);
        }
    }
}

/// As many of each as are wanted.
trait CycleN: Iterator + Sized {
    fn cycle_n<T>(self, copies: usize, make: impl Fn(Self::Item) -> T) -> Vec<T>
    where
        Self::Item: Clone,
    {
        self.flat_map(|item| std::iter::repeat_n(item, copies)).map(make).collect()
    }
}
impl<I: Iterator> CycleN for I {}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_and_repetition_of_deliveries_ends_in_the_right_state(
        books in 1..4_u64,
        orders in prop::collection::vec((1..4_u64, any::<bool>()), 1..12),
        choices in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let (world, rows) = run(books, &orders, &choices);
        for (number, book) in &world.books {
            let shown = book.represent(Id::new(*number));
            let holders = world.rents.iter().filter(|(id, (of, rent))| {
                of == number && rent.represent(Id::new(**id)).status == rent::Status::Rented
            });
            let registered = book.lifecycle() == Lifecycle::Established;
            prop_assert_eq!(holders.count(), usize::from(registered && !shown.status), "book {} {:?}", number, shown);
        }
        for (number, (_, rent)) in &world.rents {
            let rent = rent.represent(Id::new(*number)).status;
            let delivery = world.deliveries.get(number);
            let delivery = delivery.filter(|delivery| delivery.lifecycle() == Lifecycle::Established);
            let delivery = delivery.map(|delivery| delivery.represent(Id::new(*number)).status);
            let right = match rent {
                rent::Status::Rented => delivery == Some(delivery::Status::Started),
                rent::Status::Cancelled => delivery.is_none_or(|status| status == delivery::Status::Cancelled),
                rent::Status::Failed => delivery.is_none(),
                rent::Status::New | rent::Status::Requested => false,
            };
            prop_assert!(right, "rent {} is {:?}, its delivery {:?}", number, rent, delivery);
            let row = rows.get(number).map(|row| row.represent(Id::new(*number)));
            let row = row.map(|row| (row.rent_status, row.delivery_status));
            prop_assert_eq!(row, Some((rent, delivery)), "the row of rent {}", number);
        }
    }
}
