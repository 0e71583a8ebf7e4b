//! Figures: one line each, with the aim and whether it is met. Here does not belong how anything is
//! measured.

/// What a figure should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Aim {
    None,
    AtMost(f64),
    AtLeast(f64),
}

/// One measured figure.
#[derive(Clone, Debug)]
pub struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    aim: Aim,
    beside: String,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, aim: Aim::None, beside: String::new() }
    }

    pub fn aim(mut self, aim: Aim) -> Self {
        self.aim = aim;
        self
    }

    /// What is said beside it: a share of the machine's limit, or what it is made of.
    pub fn beside(mut self, words: impl Into<String>) -> Self {
        self.beside = words.into();
        self
    }

    fn line(&self) -> String {
        let met = |met: bool| if met { "met" } else { "MISSED" };
        let aim = match self.aim {
            Aim::None => String::new(),
            Aim::AtMost(most) => {
                format!("aim <= {} {}", digits(most), met(self.value <= most))
            }
            Aim::AtLeast(least) => {
                format!("aim >= {} {}", digits(least), met(self.value >= least))
            }
        };
        let value = format!("{} {}", digits(self.value), self.unit);
        let line = format!("{:<52} {value:>20}  {aim:<24} {}", self.name, self.beside);
        line.trim_end().to_owned()
    }

    pub fn say(&self) {
        println!("{}", self.line());
    }
}

/// A number with as many digits as mean anything.
pub fn digits(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || size == size.trunc() {
        let text = format!("{value:.0}");
        let mut out = String::new();
        for (place, digit) in text.chars().enumerate() {
            let left = text.len() - place;
            if place > 0 && left.is_multiple_of(3) && !out.ends_with('-') {
                out.push(',');
            }
            out.push(digit);
        }
        out
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// Microseconds as a number of events.
pub fn a_second(count: u64, micros: i64) -> f64 {
    count as f64 * 1e6 / micros.max(1) as f64
}

/// What so many hundredths of the values do not exceed; nothing of no values.
pub fn percentile(values: &[i64], hundredths: usize) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<i64> = (1..=100).rev().collect();
        assert_eq!([50, 99, 100].map(|one| percentile(&values, one)), [50, 99, 100]);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[], 99), 0);
    }

    #[test]
    fn a_figure_says_whether_its_aim_is_met() {
        let figure = Figure::new("start", 0.25, "s");
        let line = |aim| figure.clone().aim(aim).line();
        assert!(line(Aim::AtMost(0.2)).ends_with("aim <= 0.20 MISSED"));
        assert!(line(Aim::AtMost(0.3)).ends_with("aim <= 0.30 met"));
        assert!(line(Aim::AtLeast(0.3)).ends_with("aim >= 0.30 MISSED"));
        assert!(line(Aim::None).ends_with("0.25 s"));
    }

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let shown = [1_234_567.0, 1_000.0, 999.6, 12.34, 0.5, 3.0].map(digits);
        assert_eq!(shown, ["1,234,567", "1,000", "1,000", "12.3", "0.50", "3"]);
    }
}
