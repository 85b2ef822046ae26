//! What staff registers and corrects of a product.

use super::{CorrectedProduct, Product};
use crate::domain::{number::LARGEST, prelude::*};

/// `POST /products`
#[body(title = "RegisterProduct")]
pub struct Register {
    /// What it is called.
    pub name: Option<String>,
    /// What a unit costs, in won.
    pub amt: u64,
    /// How many units there are.
    pub stock: u64,
}

/// `PATCH /products/{id}`
#[body(title = "CorrectProduct")]
#[derive(Default)]
#[schemars(extend("examples" = [{ "name": "P1", "amt": 30_000, "stock": 7 }]))]
pub struct Correction {
    /// What it is called.
    pub name: Option<String>,
    /// What a unit costs, in won. Orders whose unit has been taken keep theirs.
    pub amt: Option<u64>,
    /// How many units there are now.
    pub stock: Option<u64>,
    /// How many units come in, or are taken out when it is negative; instead of `stock`.
    pub stock_change: Option<i64>,
}

impl Catalogue for Product {
    type Correction = Correction;

    fn correct(
        &self,
        given: Correction,
        this: &DecisionContext<'_, Self>,
    ) -> Result<CorrectedProduct, Refusal> {
        let stock = given.stock(self.stock)?;
        let Correction { name, amt, .. } = given;
        Ok(CorrectedProduct { product_id: this.id, name, amt, stock })
    }
}

impl Correction {
    /// How many units there are then, of `stock` that there are now; none where that is not corrected.
    ///
    /// # Errors
    /// `one-at-a-time`, `stock-too-low`, `stock-too-high`
    pub fn stock(&self, stock: u64) -> Result<Option<u64>, Refusal> {
        match (self.stock, self.stock_change) {
            (Some(_), Some(_)) => Err(Refusal::one_at_a_time()),
            (None, Some(change)) => {
                let en = "there are not that many units";
                let too_low = || Refusal::conflict("stock-too-low", en, "재고가 그만큼 없습니다");
                let after = i128::from(stock) + i128::from(change);
                u64::try_from(after).map_err(|_| too_low()).and_then(within).map(Some)
            }
            (given, None) => given.map(within).transpose(),
        }
    }
}

/// What is left when a unit has come back. More than the bound cannot be counted.
pub fn one_more(stock: u64) -> u64 {
    if stock < LARGEST { stock + 1 } else { stock }
}

fn within(stock: u64) -> Result<u64, Refusal> {
    if stock <= LARGEST {
        return Ok(stock);
    }
    let en = format!("a stock is at most {LARGEST} units");
    let ko = format!("재고는 최대 {LARGEST}개입니다");
    Err(Refusal::invalid("stock-too-high", en, ko))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(stock: Option<u64>, stock_change: Option<i64>) -> Result<Option<u64>, String> {
        let given = Correction { stock, stock_change, ..Correction::default() };
        given.stock(5).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn the_stock_is_counted_anew_or_changed_and_not_both() {
        assert_eq!(stock(None, None), Ok(None));
        assert_eq!(stock(Some(3), None), Ok(Some(3)));
        assert_eq!(stock(None, Some(-5)), Ok(Some(0)));
        assert_eq!(stock(None, Some(2)), Ok(Some(7)));
        assert_eq!(stock(None, Some(-6)), Err("stock-too-low".into()));
        assert_eq!(stock(Some(3), Some(1)), Err("one-at-a-time".into()));
        let largest = LARGEST.cast_signed();
        assert_eq!(stock(None, Some(largest - 5)), Ok(Some(LARGEST)));
        assert_eq!(stock(None, Some(largest)), Err("stock-too-high".into()));
        assert_eq!(stock(Some(LARGEST + 1), None), Err("stock-too-high".into()));
        assert_eq!(stock(None, Some(i64::MIN)), Err("stock-too-low".into()));
        assert_eq!((one_more(0), one_more(LARGEST)), (1, LARGEST));
    }
}
