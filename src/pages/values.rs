//! Values as people read them: numbers, money, times; and texts as they are put into addresses.

use super::language::Language;
use std::fmt::Write as _;

/// `text` as a part of an address.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// These pairs as a query, without those that are empty.
pub fn query_of(pairs: &[(String, String)]) -> String {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    let given = given.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    given.collect::<Vec<_>>().join("&")
}

/// A number with its groups of three digits: 1,234,567.
pub fn group_digits(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// An amount of won.
pub fn money(amount: &str, language: Language) -> String {
    let digits = group_digits(amount);
    language.choose(format!("₩{digits}"), format!("{digits}원"))
}

/// A time (RFC 3339) as people of a language write it, in the zone of the business; as it is where it is none.
pub fn time(text: &str, zone: &jiff::tz::TimeZone, language: Language) -> String {
    const DAYS: [(&str, &str); 7] = [
        ("Mon", "월"),
        ("Tue", "화"),
        ("Wed", "수"),
        ("Thu", "목"),
        ("Fri", "금"),
        ("Sat", "토"),
        ("Sun", "일"),
    ];
    let Ok(moment) = text.parse::<jiff::Timestamp>() else { return text.to_owned() };
    let at = moment.to_zoned(zone.clone());
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).unwrap_or(0);
    let (english_day, korean_day) = DAYS.get(day).copied().unwrap_or_default();
    match language {
        Language::English => format!("{english_day} {}", at.strftime("%-d %b %Y, %H:%M")),
        Language::Korean => {
            let half = if at.hour() < 12 { "오전" } else { "오후" };
            let date = at.strftime("%Y년 %-m월 %-d일");
            format!("{date} ({korean_day}) {half} {}", at.strftime("%-I:%M"))
        }
    }
}

/// A time (RFC 3339) as a form has it, in the zone of the business; as it is where it is none.
pub fn time_to_enter(text: &str, zone: &jiff::tz::TimeZone) -> String {
    let Ok(moment) = text.parse::<jiff::Timestamp>() else { return text.to_owned() };
    let at = moment.to_zoned(zone.clone());
    let seconds = match (at.second(), at.subsec_nanosecond()) {
        (0, 0) => "",
        (_, 0) => ":%S",
        _ => ":%S%.3f",
    };
    at.strftime(&format!("%Y-%m-%dT%H:%M{seconds}")).to_string()
}

/// A time of a form as clients send it: with the offset of the zone. A date, and what is no time, stays as it is.
pub fn time_entered(text: &str, zone: &jiff::tz::TimeZone) -> String {
    let entered = text.trim();
    let is_local = entered.contains(':') && entered.parse::<jiff::Timestamp>().is_err();
    let at = entered.parse::<jiff::civil::DateTime>().and_then(|at| at.to_zoned(zone.clone()));
    match at {
        Ok(at) if is_local => at.timestamp().display_with_offset(at.offset()).to_string(),
        _ => entered.to_owned(),
    }
}

/// A name of the wire as English words: `registedDate` is `Registed date`, `PAYMENT COMPLETED` is `Payment completed`.
pub fn words_of(wire: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for letter in wire.chars() {
        let begins = before == ' ' || (letter.is_uppercase() && before.is_lowercase());
        match words.last_mut() {
            _ if letter == '_' || letter == ' ' || letter == '-' => {}
            Some(word) if !begins => word.push(letter),
            _ => words.push(letter.into()),
        }
        before = if letter == '_' || letter == '-' { ' ' } else { letter };
    }
    let sentence = words.join(" ").to_lowercase();
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_write_them() {
        assert_eq!(
            (group_digits("1234567").as_str(), group_digits("999").as_str()),
            ("1,234,567", "999")
        );
        assert_eq!(group_digits("-1000"), "-1,000");
        assert_eq!(money("10000", Language::English), "₩10,000");
        assert_eq!(money("10000", Language::Korean), "10,000원");
        let seoul = jiff::tz::TimeZone::get("Asia/Seoul").unwrap();
        let at = "2021-07-05T15:00:00Z";
        assert_eq!(time(at, &seoul, Language::English), "Tue 6 Jul 2021, 00:00");
        assert_eq!(time(at, &seoul, Language::Korean), "2021년 7월 6일 (화) 오전 12:00");
        assert_eq!(time("soon", &seoul, Language::English), "soon");
    }

    #[test]
    fn a_time_that_is_entered_is_one_in_the_zone_and_comes_back_as_it_was() {
        let seoul = jiff::tz::TimeZone::get("Asia/Seoul").unwrap();
        for (moment, entered, sent) in [
            ("2021-12-25T10:00:00Z", "2021-12-25T19:00", "2021-12-25T19:00:00+09:00"),
            ("2021-12-24T15:00:30Z", "2021-12-25T00:00:30", "2021-12-25T00:00:30+09:00"),
            ("2021-12-25T10:00:00.5Z", "2021-12-25T19:00:00.500", "2021-12-25T19:00:00.5+09:00"),
        ] {
            assert_eq!(time_to_enter(moment, &seoul), entered);
            assert_eq!(time_entered(entered, &seoul), sent);
            assert_eq!(time_to_enter(sent, &seoul), entered);
        }
        for as_it_is in
            ["2021-12-25", "2021-12-25T10:00:00Z", "2021-12-25T19:00:00+01:00", "19:00", "soon"]
        {
            assert_eq!(time_entered(as_it_is, &seoul), as_it_is);
        }
    }

    #[test]
    fn names_of_the_wire_become_words() {
        for (wire, words) in [
            ("registedDate", "Registed date"),
            ("PAYMENT COMPLETED", "Payment completed"),
            ("DeliveryStarted", "Delivery started"),
            ("user_grade", "User grade"),
            ("status", "Status"),
            ("", ""),
        ] {
            assert_eq!(words_of(wire), words);
        }
    }

    #[test]
    fn parts_of_addresses_are_encoded() {
        assert_eq!(encode("a b&가/?"), "a%20b%26%EA%B0%80%2F%3F");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(query_of(&[pair("a", "1"), pair("b", ""), pair("c", "&")]), "a=1&c=%26");
    }
}
