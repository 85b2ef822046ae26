//! What is ordered when a movie is booked: what customers send, how the house checks it, what the events carry.

use super::{admission::Admission, book::Book, theatre::Settings};
use crate::domain::{DateOrTime, prelude::*, text::claim_form};
use std::collections::BTreeSet;

/// `POST /books`
#[body]
pub struct Request {
    /// For how many.
    pub qty: u64,
    /// Which movie.
    pub movie_name: Option<String>,
    /// Which seats, with commas between them.
    #[blank_is_none]
    pub seat: Option<String>,
    /// What they cost together, in won.
    pub total_price: Option<u64>,
    /// When it is shown: a date alone is the beginning of that day. Where this is given, each seat is sold once.
    pub showtime: Option<DateOrTime>,
}

/// `PATCH /books/{id}`: the status that a client may ask for.
#[body]
pub enum Wanted {
    /// The booking is canceled, the money goes back.
    Canceled,
}

/// What was ordered.
#[value]
#[derive(Default)]
pub struct Ordered {
    pub booking_id: Id<Book>,
    pub qty: u64,
    pub movie_name: Option<String>,
    pub seat: Option<String>,
    pub total_price: Option<u64>,
    pub showtime: Option<Timestamp>,
    /// The theatre.
    pub name: Option<String>,
}

/// The name of a seat is at most so many characters long.
const LONGEST_SEAT: usize = 64;

impl Request {
    /// The order that booking `booking_id` is, if the house has nothing against it.
    ///
    /// # Errors
    /// `wrong-qty`, `too-many-seats`, `seat-too-long`, `wrong-seats`, `wrong-price`.
    pub fn checked(self, booking_id: Id<Book>, house: &Settings) -> Result<Ordered, Refusal> {
        let Self { qty, movie_name, seat, total_price, showtime } = self;
        let showtime = showtime.map(|time| time.starts(&house.zone));
        let order = Ordered {
            booking_id,
            qty,
            movie_name,
            seat,
            total_price,
            showtime,
            name: house.name.clone(),
        };
        if qty == 0 {
            return Err(Refusal::invalid(
                "wrong-qty",
                "book one seat at least",
                "한 자리 이상 예매해 주세요",
            ));
        }
        if order.seats().len() as u64 > house.seats_per_booking {
            return Err(house.too_many());
        }
        if order.seats().iter().any(|seat| seat.chars().count() > LONGEST_SEAT) {
            let en = format!("the name of a seat has at most {LONGEST_SEAT} characters");
            let ko = format!("좌석 이름은 최대 {LONGEST_SEAT}자입니다");
            return Err(Refusal::invalid("seat-too-long", en, ko));
        }
        if showtime.is_some() && !order.is_seated() {
            let en = "name as many different seats as are booked, with commas between them";
            return Err(Refusal::invalid(
                "wrong-seats",
                en,
                "예매 수량만큼 서로 다른 좌석을 쉼표로 구분해 주세요",
            ));
        }
        match house.ticket_price.map(|price| price.checked_mul(qty)) {
            Some(right) if right.is_none() || right != total_price => {
                let en = "the price is not that of so many seats";
                let ko = "금액이 수량과 맞지 않습니다";
                Err(Refusal::invalid("wrong-price", en, ko))
            }
            _ if qty > house.seats_per_booking => Err(house.too_many()),
            _ => Ok(order),
        }
    }
}

impl Ordered {
    fn seats(&self) -> Vec<&str> {
        self.seat
            .as_deref()
            .map(|seats| seats.split(',').map(str::trim).collect())
            .unwrap_or_default()
    }

    /// Whether there is a seat for each, and no seat twice.
    fn is_seated(&self) -> bool {
        let seats: BTreeSet<String> = self.seats().into_iter().map(claim_form).collect();
        let count = self.seats().len();
        seats.len() == count && count as u64 == self.qty && !seats.contains("")
    }

    /// The seats that no other booking can have. Without a showtime seating is free. Those that only case, spaces or what
    /// cannot be seen tell apart are the same, and so are showtimes of one minute.
    pub fn claims(&self) -> Vec<String> {
        let Some(showtime) = self.showtime else { return Vec::new() };
        let minute = showtime.to_minute();
        let movie = claim_form(self.movie_name.as_deref().unwrap_or_default());
        // The seat, in which no comma is, comes first: so no two claims are spelled the same.
        let seats: BTreeSet<String> = self.seats().into_iter().map(claim_form).collect();
        seats.into_iter().map(|seat| format!("{seat},{minute},{movie}")).collect()
    }

    /// What the ticket for it says.
    pub fn admission(&self) -> Admission {
        let Self { booking_id, qty, movie_name, seat, .. } = self.clone();
        Admission { booking_id, movie_name, qty, seat }
    }
}

/// The refusal of a seat that another booking has claimed.
pub fn seat_taken(claim: &str) -> Refusal {
    let seat = claim.split(',').next().unwrap_or_default().to_uppercase();
    let en = format!("seat {seat} is taken");
    let ko = format!("{seat} 좌석은 이미 예매되었습니다");
    Refusal::conflict("seat-taken", en, ko)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Settings {
        Settings { ticket_price: Some(5_000), ..Settings::default() }
    }
    fn request(qty: u64, seat: &str, total_price: Option<u64>) -> Request {
        let movie_name = Some("soul".into());
        let seat = Some(seat.into());
        Request {
            qty,
            movie_name,
            seat,
            total_price,
            showtime: Some("2026-12-24".parse().unwrap()),
        }
    }
    fn code(request: Request, house: &Settings) -> String {
        request
            .checked(Id::new(1), house)
            .map_or_else(|refusal| refusal.code.into_owned(), |_| "right".into())
    }

    #[test]
    fn a_showtime_wants_as_many_different_seats_as_are_booked() {
        let any = Settings::default();
        assert_eq!(code(request(2, "1A, 2B", None), &any), "right");
        for (qty, seats) in [(2, "1A"), (1, "1A,2B"), (2, "1A, 1A"), (2, "1A,"), (1, " "), (1, "")]
        {
            assert_eq!(code(request(qty, seats, None), &any), "wrong-seats", "{qty} of {seats:?}");
        }
        assert_eq!(code(Request { seat: None, ..request(1, "", None) }, &any), "wrong-seats");
        assert_eq!(code(Request { showtime: None, ..request(3, "1A,1A", None) }, &any), "right");
        assert_eq!(code(Request { showtime: None, ..request(0, "", None) }, &any), "wrong-qty");
    }

    #[test]
    fn a_booking_is_for_so_many_seats_and_each_has_a_short_name() {
        let any = Settings::default();
        let seats =
            |count: u64| (0..count).map(|seat| format!("{seat}A")).collect::<Vec<_>>().join(",");
        assert_eq!(code(request(20, &seats(20), None), &any), "right");
        assert_eq!(code(request(21, &seats(21), None), &any), "too-many-seats");
        assert_eq!(code(request(1, &seats(21), None), &any), "too-many-seats");
        assert_eq!(
            code(Request { seat: None, showtime: None, ..request(21, "", None) }, &any),
            "too-many-seats"
        );
        assert_eq!(
            code(Request { showtime: None, ..request(1, &seats(21), None) }, &any),
            "too-many-seats"
        );
        let small = Settings { seats_per_booking: 2, ..Settings::default() };
        assert_eq!(code(request(2, "1A,2A", None), &small), "right");
        assert_eq!(code(request(3, "1A,2A,3A", None), &small), "too-many-seats");
        assert_eq!(code(request(1, &"가".repeat(64), None), &any), "right");
        assert_eq!(code(request(1, &"가".repeat(65), None), &any), "seat-too-long");
        assert_eq!(serde_json::from_str::<Settings>("{}").unwrap().seats_per_booking, 20);
    }

    #[test]
    fn where_the_price_is_set_it_must_be_right() {
        assert_eq!(code(request(2, "1A,2B", Some(10_000)), &house()), "right");
        for wrong in [None, Some(0), Some(9_999), Some(5_000)] {
            assert_eq!(code(request(2, "1A,2B", wrong), &house()), "wrong-price");
        }
        let endless = Request { showtime: None, ..request(u64::MAX, "", None) };
        assert_eq!(code(endless, &house()), "wrong-price", "no price is that of so many");
    }

    #[test]
    fn the_order_names_the_theatre() {
        let house = Settings { name: Some("Seoul".into()), ..Settings::default() };
        let order = request(1, "1A", None).checked(Id::new(1), &house).unwrap();
        assert_eq!(order.name.as_deref(), Some("Seoul"));
    }

    #[test]
    fn a_date_alone_is_where_the_theatre_is() {
        let at =
            |house: &Settings| request(1, "1A", None).checked(Id::new(1), house).unwrap().showtime;
        assert_eq!(at(&Settings::default()), Some("2026-12-24T00:00:00+09:00".parse().unwrap()));
        let utc =
            Settings { zone: serde_json::from_value("UTC".into()).unwrap(), ..Settings::default() };
        assert_eq!(at(&utc), Some("2026-12-24T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn claims_differ_where_seat_minute_or_movie_do_and_not_by_how_they_are_written() {
        const MINUTE: i64 = 60_000_000;
        let claims = |movie: Option<&str>, seat: &str, micros| {
            let movie_name = movie.map(Into::into);
            let seat = Some(seat.into());
            let showtime = Some(Timestamp::from_micros(micros));
            Ordered { movie_name, seat, showtime, ..Ordered::default() }.claims()
        };
        let one = claims(Some("Soul Mate"), "1A", 0);
        for same in [
            claims(Some("Soul Mate"), " 1a ", 0),
            claims(Some("  soul \u{3000} MATE"), "1\u{200d}A", 0),
            claims(Some("Soul Mate"), "1A", MINUTE - 1),
        ] {
            assert_eq!(same, one);
        }
        for other in [
            claims(Some("Soul Mate"), "1B", 0),
            claims(Some("Soul Mate"), "1A", MINUTE),
            claims(Some("Soul Mate"), "1A", -1),
            claims(Some("SoulMate"), "1A", 0),
            claims(None, "1A", 0),
        ] {
            assert_ne!(other, one);
        }
        assert_eq!(claims(None, "가1", 0), claims(None, "\u{1100}\u{1161}1", 0));
        let refusal = seat_taken(&one[0]);
        assert_eq!((refusal.code.as_ref(), refusal.en.contains("1A")), ("seat-taken", true));
    }

    #[test]
    fn a_seat_that_is_named_twice_in_another_way_is_named_twice() {
        let any = Settings::default();
        for seats in ["1A,1a", "1A, 1\u{200c}A", "가1,\u{1100}\u{1161}1", "R 1,r  1"] {
            assert_eq!(code(request(2, seats, None), &any), "wrong-seats", "{seats:?}");
        }
    }
}
