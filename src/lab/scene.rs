//! The loads that the originals were put under, and what they made of them.

use serde_json::{Value, json};

/// A load, the fault that it meets, and where its traces are to be found.
#[derive(Debug)]
pub struct Scene {
    /// The system.
    pub system: &'static str,
    /// How many customers there are at once; each orders again as soon as it has been answered.
    pub users: u64,
    /// For how long.
    pub seconds: u64,
    /// What must be there before, if anything.
    pub goods: Option<Goods>,
    /// Where orders are placed.
    pub orders: &'static str,
    /// An order, for the thing of this number.
    pub order: fn(u64) -> Value,
    /// Who is asked.
    pub asked: &'static str,
    /// How long its answers are held back, in milliseconds.
    pub delay_ms: (u64, u64),
    /// Where the established orders are, and the field that says what is kept for each.
    pub established: (&'static str, &'static str),
    /// Where what is kept for orders is, and the field that an order is known by there.
    pub kept: (&'static str, &'static str),
    /// What is kept, in words.
    pub keeping: &'static str,
    /// Whether an order that has failed is shown as one (201 with `Fail`).
    pub shows_failures: bool,
    /// The original's availability in percent.
    pub availability: Option<f64>,
    /// The original's successful orders a second.
    pub rate: Option<f64>,
}

/// What is ordered, and one of it to an order.
#[derive(Debug)]
pub struct Goods {
    /// Where it is registered.
    pub collection: &'static str,
    /// One of it.
    pub good: fn() -> Value,
}

/// Those that there are.
pub const SCENES: &[Scene] = &[
    Scene {
        system: "bookrent",
        users: 2,
        seconds: 10,
        goods: Some(Goods {
            collection: "/books",
            good: || json!({ "title": "title01", "status": "true" }),
        }),
        orders: "/rents",
        order: |book| json!({ "bookId": book.to_string(), "userId": "1", "address": "address1" }),
        asked: "bookrent.book",
        delay_ms: (800, 1100),
        established: ("/rents?status=Rent", "bookId"),
        kept: ("/books?status=false", "id"),
        keeping: "books held",
        shows_failures: true,
        availability: None,
        rate: None,
    },
    Scene {
        system: "ebook",
        users: 100,
        seconds: 60,
        goods: Some(Goods {
            collection: "/books",
            good: || json!({ "bookName": "Hello, JAVA", "rentalFee": 3000 }),
        }),
        orders: "/rents",
        order: |book| json!({ "userId": 1, "bookId": book, "bookName": "Hello, JAVA", "rentalFee": 3000 }),
        asked: "ebook.payment",
        delay_ms: (400, 620),
        established: ("/rents?status=RENTED", "id"),
        kept: ("/payments?status=PAID", "rentId"),
        keeping: "payments kept",
        shows_failures: false,
        availability: Some(76.56),
        rate: None,
    },
    Scene {
        system: "movie",
        users: 50,
        seconds: 60,
        goods: None,
        orders: "/books",
        order: |_| json!({ "qty": "3" }),
        asked: "movie.payment",
        delay_ms: (400, 620),
        established: ("/books?status=PaidComplete", "id"),
        kept: ("/payments?status=Paid", "bookingId"),
        keeping: "payments kept",
        shows_failures: false,
        availability: Some(62.05),
        rate: Some(17.2),
    },
];
