//! When it happened, on the user's own clock.

use crate::context::Context;
use crate::features::Family;
use crate::features::feature::{Feature, Form, Words};

use crate::features::signal::Signal;
use crate::features::values::{flag, known};
use crate::maths::{COSINE_OF_HOUR, SINE_OF_HOUR};
use crate::time_units::{DAY_MS, SECOND_MS};

pub const FAMILY: Family = Family { name: "time_of_day", features, compute };

fn features() -> Vec<Feature> {
    vec![
        Feature::new(
            "hour_local",
            "hour",
            "hour of day 0 to 23 in the timezone of the user's profile",
            Words::number(Form::Hour, "at {} local time"),
            Signal::night(),
        ),
        Feature::new(
            "hour_sin",
            "",
            "sin(2 pi hour_local / 24)",
            Words::number(Form::Number, "time of day"),
            Signal::night(),
        ),
        Feature::new(
            "hour_cos",
            "",
            "cos(2 pi hour_local / 24)",
            Words::number(Form::Number, "time of day"),
            Signal::night(),
        ),
        Feature::new(
            "weekday",
            "day",
            "0 Monday to 6 Sunday, local",
            Words::number(Form::Weekday, "on a {}"),
            Signal::never("day"),
        ),
        Feature::new(
            "is_weekend",
            "flag",
            "1 on Saturday and Sunday",
            Words::flag("on a weekend", "on a working day"),
            Signal::never("day"),
        ),
        Feature::new(
            "is_night",
            "flag",
            "1 before 06:00 and from 23:00, local",
            Words::flag("at night (before 06:00 or from 23:00)", "not at night"),
            Signal::night(),
        ),
        Feature::new(
            "user_night_share",
            "share",
            "share of the user's earlier transactions at night",
            Words::number(Form::Percent, "this user pays at night in {} of payments")
                .unknown("no earlier payment of this user"),
            Signal::night(),
        ),
        Feature::new(
            "seconds_since_last",
            "seconds",
            "t - the time of the last transaction with time <= t",
            Words::number(Form::Seconds, "{} after the last payment").unknown("no earlier payment of this user"),
            Signal::low("velocity", 180.0, 30.0).rank(3),
        ),
        Feature::new(
            "days_from_month_turn",
            "days",
            "from the nearest turn of a month, 0 to 15, by the day (UTC)",
            Words::number(Form::Days, "{} from the turn of the month"),
            Signal::never("day"),
        ),
    ]
}

const NIGHT_ENDS_HOUR: u32 = 6;
const NIGHT_BEGINS_HOUR: u32 = 23;
const SATURDAY: u32 = 5;

/// Before 06:00 and from 23:00.
pub fn is_night(local_hour: u32) -> bool {
    !(NIGHT_ENDS_HOUR..NIGHT_BEGINS_HOUR).contains(&local_hour)
}

fn compute(context: &Context, out: &mut [f64]) {
    let (hour, weekday, habits) = (context.local_hour, context.local_weekday, context.habits);
    let of_hour = |values: &[f64; 24]| values.get(hour as usize).copied().unwrap_or(f64::NAN);
    let count = habits.lifetime.count;
    let since_last_ms = context.previous.map(|previous| context.time_ms - previous.timestamp_ms);
    out.copy_from_slice(&[
        f64::from(hour),
        of_hour(&SINE_OF_HOUR),
        of_hour(&COSINE_OF_HOUR),
        f64::from(weekday),
        flag(weekday >= SATURDAY),
        flag(is_night(hour)),
        if count > 0 { habits.night_count as f64 / count as f64 } else { f64::NAN },
        known(since_last_ms.map(|passed_ms| passed_ms as f64 / SECOND_MS as f64)),
        days_from_month_turn(context.time_ms.div_euclid(DAY_MS)),
    ]);
}

/// Of a day since the epoch: 0 on the last and the first of a month. Salaries come around it.
fn days_from_month_turn(day: i64) -> f64 {
    let (year, month, day_of_month) = civil(day);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (day_of_month - 1).min(last - day_of_month) as f64
}

/// Year, month and day of a day since 1970-01-01, in the proleptic Gregorian calendar. Years begin in March here, so that
/// the day that leap years add is the last one.
fn civil(day: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097; // 400 years
    let from_march_0 = day + 719_468;
    let (era, day_of_era) = (from_march_0.div_euclid(ERA_DAYS), from_march_0.rem_euclid(ERA_DAYS));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_days_are_known() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(days_from_month_turn(19_782), 0.0); // 2024-02-29
        assert_eq!(days_from_month_turn(19_782 - 14), 14.0); // 2024-02-15
    }
}
