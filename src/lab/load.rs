//! The customers: each sends a request, waits for the answer, and sends the next. None waits as a `Retry-After`
//! asks to, for no customer did where the originals' figures come from.

use crate::{
    app::Failure,
    lab::{
        client::{Client, ClientAnswer, number_of},
        scene::{Goods, Scene},
    },
};
use futures_util::future::join_all;
use reqwest::Method;
use std::{
    cell::RefCell,
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The answers that customers got, and how long they waited.
#[derive(Debug, Default)]
pub struct Figures {
    /// Answers below 400.
    pub successful: u64,
    /// The others, and where there was none.
    pub failed: u64,
    pub bytes: usize,
    pub waited: Duration,
    pub longest: Duration,
    pub shortest: Option<Duration>,
    pub elapsed: Duration,
    /// Orders that were accepted, and lists that were read.
    pub established: u64,
    /// Orders that have failed, and are shown so; or that came too late for a thing that another one has.
    pub refused: u64,
    /// 503, with the time after which to try again.
    pub retry_later: u64,
    /// Other answers, which are not in the contract: the first of it, and how often.
    pub other: Option<(String, u64)>,
}

/// How an order ended for who placed it.
#[derive(Debug, PartialEq)]
enum Ending {
    Established,
    Refused,
    RetryLater,
    Other(String),
}

impl Ending {
    fn from_answer(scene: &Scene, answer: &ClientAnswer) -> Self {
        let Some(orders) = scene.orders() else {
            return match answer.status {
                200 => Self::Established,
                status => Self::Other(format!("{status} {}", answer.body)),
            };
        };
        match answer.status {
            201 if orders.shows_failures
                && answer.body.get("status").is_some_and(|status| status == "Fail") =>
            {
                Self::Refused
            }
            201 => Self::Established,
            409 if orders.contested => Self::Refused,
            503 if answer.retry_after => Self::RetryLater,
            status => Self::Other(format!("{status} {}", answer.body)),
        }
    }
}

impl Figures {
    fn note_answer(
        &mut self,
        scene: &Scene,
        answer: Result<ClientAnswer, Failure>,
        waited: Duration,
    ) -> bool {
        let (fine, bytes) =
            answer.as_ref().map_or((false, 0), |answer| (answer.status < 400, answer.length));
        self.successful += u64::from(fine);
        self.failed += u64::from(!fine);
        self.bytes += bytes;
        self.waited += waited;
        self.longest = self.longest.max(waited);
        self.shortest = Some(self.shortest.map_or(waited, |shortest| shortest.min(waited)));
        let ending = answer.map_or_else(
            |why| Ending::Other(why.to_string()),
            |answer| Ending::from_answer(scene, &answer),
        );
        match &ending {
            Ending::Established => self.established += 1,
            Ending::Refused => self.refused += 1,
            Ending::RetryLater => self.retry_later += 1,
            Ending::Other(what) => self.other.get_or_insert((what.clone(), 0)).1 += 1,
        }
        ending == Ending::Established
    }
}

/// Registers what is to be had: as many as can be ordered in the time, for no answer comes sooner than its delay, and one
/// more for the order that comes last.
pub async fn register_stock(
    client: &Client,
    scene: &Scene,
    users: u64,
    seconds: u64,
) -> Result<VecDeque<u64>, Failure> {
    if let Some(Goods { collection, good }) = &scene.once {
        client.send_expecting(Method::POST, collection, Some(&good(1))).await?;
    }
    let Some(Goods { collection, good }) = &scene.goods else { return Ok(VecDeque::new()) };
    let count = match scene.orders() {
        None => 20,
        Some(orders) if orders.contested => 2,
        Some(orders) => users * (seconds * 1000 / orders.delay_ms.0.max(1) + 2),
    };
    let numbers = RefCell::new(VecDeque::new());
    let registering = (0..count.min(32)).map(|first| {
        let numbers = &numbers;
        async move {
            for place in (first..count).step_by(32) {
                let registered =
                    client.send_expecting(Method::POST, collection, Some(&good(place + 1))).await?;
                numbers.borrow_mut().extend(number_of(&registered, "id"));
            }
            Ok(())
        }
    });
    join_all(registering).await.into_iter().collect::<Result<(), Failure>>()?;
    let mut numbers = numbers.into_inner();
    numbers.make_contiguous().sort_unstable();
    Ok(numbers)
}

/// Lets the customers send requests for so long.
pub async fn apply_load(
    client: &Client,
    scene: &Scene,
    (users, seconds): (u64, u64),
    stock: &RefCell<VecDeque<u64>>,
    figures: &RefCell<Figures>,
) {
    let begun = Instant::now();
    let time = Duration::from_secs(seconds);
    let customers = (0..users).map(|_| async move {
        while begun.elapsed() < time {
            let mut ordered = None;
            let sent = Instant::now();
            let answer = match scene.orders() {
                None => client.send_request(Method::GET, scene.path, None).await,
                Some(orders) if orders.contested => {
                    let wanted = stock.borrow().front().copied().unwrap_or_default();
                    client
                        .send_request(Method::POST, scene.path, Some(&(orders.order)(wanted)))
                        .await
                }
                Some(orders) => {
                    ordered = stock.borrow_mut().pop_front();
                    if ordered.is_none() && scene.goods.is_some() {
                        return;
                    }
                    let order = (orders.order)(ordered.unwrap_or_default());
                    client.send_request(Method::POST, scene.path, Some(&order)).await
                }
            };
            let gone = answer.is_err();
            if !figures.borrow_mut().note_answer(scene, answer, sent.elapsed()) {
                stock.borrow_mut().extend(ordered);
            }
            if gone {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    join_all(customers).await;
    figures.borrow_mut().elapsed = begun.elapsed();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scene::SCENES;
    use serde_json::json;

    fn answer(status: u16, retry_after: bool, shown: &str) -> ClientAnswer {
        ClientAnswer { status, retry_after, length: 10, body: json!({ "status": shown }) }
    }

    #[test]
    fn orders_end_as_in_the_contract_or_are_reported_as_unexpected() {
        let scene = SCENES.iter().find(|scene| scene.system == "bookrent").unwrap();
        let mut figures = Figures::default();
        let second = Duration::from_secs(1);
        assert!(figures.note_answer(scene, Ok(answer(201, false, "Rent")), second));
        assert!(!figures.note_answer(scene, Ok(answer(201, false, "Fail")), second * 3));
        assert!(!figures.note_answer(scene, Ok(answer(503, true, "")), second));
        assert!(!figures.note_answer(scene, Ok(answer(503, false, "")), second));
        assert!(!figures.note_answer(scene, Err(Failure::Failed("gone".into())), second));
        assert_eq!((figures.established, figures.refused, figures.retry_later), (1, 1, 1));
        assert_eq!(
            figures.other.as_ref().map(|(first, count)| (&first[..3], *count)),
            Some(("503", 2))
        );
        assert_eq!((figures.successful, figures.failed, figures.bytes), (2, 3, 40));
        assert_eq!((figures.longest, figures.shortest), (second * 3, Some(second)));
    }
}
