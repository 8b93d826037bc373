//! What a workload told, and medians of it.

/// One value of a series: a round's time, or a number that is read once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds, bytes, or what the series is about.
    pub value: f64,
    /// Offers that came in the round.
    pub offers: Option<u64>,
}

/// The values of one series with one allocator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// In the order in which they came.
    pub samples: Vec<Sample>,
}

impl Series {
    fn values(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(|sample| sample.value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The value in the middle; of an even number the mean of both.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let values = self.values();
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        match values.get(middle.wrapping_sub(1)) {
            Some(lower) if values.len().is_multiple_of(2) => Some(f64::midpoint(*lower, upper)),
            _ => Some(upper),
        }
    }

    /// The least and the largest value.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        let values = self.values();
        Some((*values.first()?, *values.last()?))
    }

    /// How many offers a round made; the least and the most.
    #[must_use]
    pub fn offers(&self) -> Option<(u64, u64)> {
        let offers = || self.samples.iter().filter_map(|sample| sample.offers);
        Some((offers().min()?, offers().max()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_range_are_those_of_the_sorted_values() {
        let series = |values: &[f64]| Series {
            samples: values.iter().map(|value| Sample { value: *value, offers: None }).collect(),
        };
        assert_eq!(series(&[]).median(), None);
        assert_eq!(series(&[3.0, 1.0, 20.0]).median(), Some(3.0));
        assert_eq!(series(&[4.0, 1.0, 20.0, 2.0]).median(), Some(3.0));
        assert_eq!(series(&[4.0, 1.0, 20.0]).range(), Some((1.0, 20.0)));
    }
}
