//! The loads that the originals were put under, and what they made of them.

use serde_json::{Value, json};

/// A load on one collection.
#[derive(Debug)]
pub struct Scene {
    /// The system.
    pub system: &'static str,
    /// How many customers there are at once; each sends its next request as soon as the last one has been answered.
    pub users: u64,
    /// For how long.
    pub seconds: u64,
    /// What is registered before: once, and then one of the goods for each order.
    pub once: Option<Goods>,
    pub goods: Option<Goods>,
    /// Where the requests go.
    pub path: &'static str,
    pub load: Load,
    /// The original's availability in percent.
    pub availability: Option<f64>,
    /// The original's successful orders a second.
    pub rate: Option<f64>,
}

/// What the customers do.
#[derive(Debug)]
pub enum Load {
    /// They read the collection.
    Reads,
    /// They order, while the context that is asked is slow.
    Orders(Orders),
}

/// Orders, the fault that they meet, and where their traces are to be found.
#[derive(Debug)]
pub struct Orders {
    /// An order, for the thing of this number.
    pub order: fn(u64) -> Value,
    /// Whether all orders are for the same thing, which only one of them can have.
    pub contested: bool,
    /// Who is asked.
    pub asked: &'static str,
    /// How long its answers are held back, in milliseconds.
    pub delay_ms: (u64, u64),
    /// Where the established orders are, and the field that names what is kept for each.
    pub established: (&'static str, &'static str),
    /// Where what is kept for orders is, and the field that an order is known by there.
    pub kept: (&'static str, &'static str),
    /// What is kept, in words.
    pub keeping: &'static str,
    /// Whether an order that has failed is shown as one (201 with `Fail`).
    pub shows_failures: bool,
}

/// What is registered.
#[derive(Debug)]
pub struct Goods {
    /// Where.
    pub collection: &'static str,
    /// One of it, under this number where the client gives it.
    pub good: fn(u64) -> Value,
}

impl Scene {
    pub fn orders(&self) -> Option<&Orders> {
        match &self.load {
            Load::Orders(orders) => Some(orders),
            Load::Reads => None,
        }
    }
}

/// Those that there are.
pub const SCENES: &[Scene] = &[
    Scene {
        system: "bookrent",
        users: 2,
        seconds: 10,
        once: None,
        goods: Some(Goods {
            collection: "/books",
            good: |_| json!({ "title": "title01", "status": "true" }),
        }),
        path: "/rents",
        load: Load::Orders(Orders {
            order: |book| json!({ "bookId": book.to_string(), "userId": "1", "address": "address1" }),
            contested: false,
            asked: "bookrent.book",
            delay_ms: (800, 1100),
            established: ("/rents?status=Rent", "bookId"),
            kept: ("/books?status=false", "id"),
            keeping: "books held",
            shows_failures: true,
        }),
        availability: None,
        rate: None,
    },
    Scene {
        system: "purifier",
        users: 110,
        seconds: 30,
        once: None,
        goods: Some(Goods {
            collection: "/products",
            good: |_| json!({ "name": "P1", "amt": 30000, "stock": 1 }),
        }),
        path: "/rentals",
        load: Load::Orders(Orders {
            order: |product| json!({ "customerId": 7, "productId": product, "amt": 30000, "address": "Seoul" }),
            contested: false,
            asked: "purifier.payment",
            delay_ms: (400, 620),
            established: ("/rentals?status=RentalPlaced", "id"),
            kept: ("/payments?status=PAYMENT COMPLETED", "rentalId"),
            keeping: "payments kept",
            shows_failures: false,
        }),
        availability: None,
        rate: None,
    },
    Scene {
        system: "ebook",
        users: 100,
        seconds: 60,
        once: None,
        goods: Some(Goods {
            collection: "/books",
            good: |_| json!({ "bookName": "Hello, JAVA", "rentalFee": 3000 }),
        }),
        path: "/rents",
        load: Load::Orders(Orders {
            order: |book| json!({ "userId": 1, "bookId": book, "bookName": "Hello, JAVA", "rentalFee": 3000 }),
            contested: false,
            asked: "ebook.payment",
            delay_ms: (400, 620),
            established: ("/rents?status=RENTED", "id"),
            kept: ("/payments?status=PAID", "rentId"),
            keeping: "payments kept",
            shows_failures: false,
        }),
        availability: Some(76.56),
        rate: None,
    },
    Scene {
        system: "movie",
        users: 50,
        seconds: 60,
        once: None,
        goods: None,
        path: "/books",
        load: Load::Orders(Orders {
            order: |_| json!({ "qty": "3" }),
            contested: false,
            asked: "movie.payment",
            delay_ms: (400, 620),
            established: ("/books?status=PaidComplete", "id"),
            kept: ("/payments?status=Paid", "bookingId"),
            keeping: "payments kept",
            shows_failures: false,
        }),
        availability: Some(62.05),
        rate: Some(17.2),
    },
    Scene { users: 10, seconds: 10, ..TICKETING },
    TICKETING,
    Scene {
        system: "gbike",
        users: 100,
        seconds: 120,
        once: None,
        goods: Some(BIKES),
        path: "/bikes",
        load: Load::Reads,
        availability: None,
        rate: None,
    },
    Scene {
        system: "gbike",
        users: 5,
        seconds: 10,
        once: Some(Goods {
            collection: "/userDeposits",
            good: |_| json!({ "userid": 1, "deposit": 100_000 }),
        }),
        goods: Some(BIKES),
        path: "/rents",
        load: Load::Orders(Orders {
            order: |bike| json!({ "userid": 1, "bikeid": bike }),
            contested: false,
            asked: "gbike.bike",
            delay_ms: (1000, 1210),
            established: ("/rents?status=RENTED", "bikeid"),
            kept: ("/bikes?status=사용중", "id"),
            keeping: "bikes taken",
            shows_failures: false,
        }),
        availability: None,
        rate: None,
    },
];

/// All customers want ticket 1.
const TICKETING: Scene = Scene {
    system: "ticketing",
    users: 100,
    seconds: 60,
    once: None,
    goods: Some(Goods {
        collection: "/tickets",
        good: |number| json!({ "ticketId": number, "starttime": "2099-07-06", "endtime": "2099-07-06" }),
    }),
    path: "/reservations",
    load: Load::Orders(Orders {
        order: |ticket| json!({ "ticketId": ticket.to_string() }),
        contested: true,
        asked: "ticketing.ticket",
        delay_ms: (400, 620),
        established: ("/reservations?status=RESERVED", "ticketId"),
        kept: ("/tickets?status=예약됨", "id"),
        keeping: "tickets taken",
        shows_failures: false,
    }),
    availability: None,
    rate: None,
};

const BIKES: Goods = Goods {
    collection: "/bikes",
    good: |number| json!({ "bikeid": number, "status": "사용가능", "location": "분당_정자역_1구역" }),
};
