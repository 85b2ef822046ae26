//! The numbers that clients may send.

/// The largest number that every reader of JSON has exactly: 2^53 − 1.
pub const LARGEST: u64 = (1 << 53) - 1;

/// Why a text is not a number that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberError {
    /// It is not written as one: only digits, no zero before others.
    Malformed,
    /// It is larger than [`LARGEST`]. What was stored before there was a bound has it in full, as far as it fits.
    TooLarge(Option<u64>),
}

/// The number that `text` is, as paths and queries write it.
///
/// # Errors
/// [`NumberError`].
pub fn parse_number(text: &str) -> Result<u64, NumberError> {
    let is_written =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()));
    if text.is_empty() || !is_written {
        return Err(NumberError::Malformed);
    }
    let number = text.parse::<u64>().ok();
    number.filter(|number| *number <= LARGEST).ok_or(NumberError::TooLarge(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_digits_and_has_a_bound() {
        assert_eq!(
            [parse_number("0"), parse_number("7"), parse_number("9007199254740991")],
            [Ok(0), Ok(7), Ok(LARGEST)]
        );
        for malformed in ["", "01", "+1", "-1", " 1", "1 ", "1e3", "1.0", "１", "0x1", "a"] {
            assert_eq!(parse_number(malformed), Err(NumberError::Malformed), "{malformed:?}");
        }
        let just_too_large = LARGEST + 1;
        let too_large = NumberError::TooLarge(Some(just_too_large));
        assert_eq!(parse_number(&just_too_large.to_string()), Err(too_large));
        assert_eq!(parse_number("18446744073709551616"), Err(NumberError::TooLarge(None)));
    }
}
