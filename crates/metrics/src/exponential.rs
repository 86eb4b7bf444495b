//! Exponential histogram, base 2 (OpenTelemetry data model, ExponentialHistogram): as fine as its at most 160 buckets
//! allow for the range that was measured. For durations and sizes: nothing below zero. Not shared between threads.

/// Most buckets.
pub(crate) const MAX_BUCKETS: usize = 160;
/// The finest; everything begins with it.
const MAX_SCALE: i32 = 20;
/// The coarsest: all that an `f64` can hold fits into 160 buckets long before.
const MIN_SCALE: i32 = -10;
const BUCKETS: i32 = MAX_BUCKETS as i32;

/// How often which size was measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Exponential {
    scale: i32,
    zeros: u64,
    /// First and last bucket in use; the first is above the last while there is none.
    first: i32,
    last: i32,
    counts: Counts,
}

/// Counts by bucket, at the bucket's index modulo 160. Most series are small, so they begin narrow.
#[derive(Debug, Clone, PartialEq)]
enum Counts {
    None,
    Narrow(Box<[u16; MAX_BUCKETS]>),
    Wide(Box<[u64; MAX_BUCKETS]>),
}

/// What it holds, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Buckets {
    pub(crate) scale: i32,
    pub(crate) zeros: u64,
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: MAX_SCALE, zeros: 0, first: 0, last: -1, counts: Counts::None }
    }
}

impl Exponential {
    /// Counts one measurement. Below zero counts as zero; what is no number is not counted.
    pub(crate) fn record(&mut self, value: f64) {
        if value > 0.0 && value.is_finite() {
            let index = index_of(value, self.scale);
            self.add(index, 1);
        } else if !value.is_nan() && value <= 0.0 {
            self.zeros += 1;
        }
    }

    /// Counts what another one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        if self.is_empty() {
            self.scale = self.scale.min(other.scale);
        }
        if other.is_empty() {
            return;
        }
        self.coarsen(self.scale - other.scale);
        for index in other.first..=other.last {
            let count = other.counts.get(index);
            if count > 0 {
                // May become coarser on the way, so each time anew.
                self.add(index >> (other.scale - self.scale), count);
            }
        }
    }

    /// What it holds.
    pub(crate) fn buckets(&self) -> Buckets {
        let counts = (self.first..=self.last).map(|index| self.counts.get(index)).collect();
        let offset = if self.is_empty() { 0 } else { self.first };
        let scale = if self.is_empty() { 0 } else { self.scale };
        Buckets { scale, zeros: self.zeros, offset, counts }
    }

    fn is_empty(&self) -> bool {
        self.first > self.last
    }

    fn add(&mut self, mut index: i32, count: u64) {
        if self.is_empty() {
            (self.first, self.last) = (index, index);
        } else if index < self.first || index > self.last {
            let (mut first, mut last, mut steps) = (self.first.min(index), self.last.max(index), 0);
            while i64::from(last) - i64::from(first) >= i64::from(BUCKETS) {
                (first, last, steps) = (first >> 1, last >> 1, steps + 1);
            }
            self.coarsen(steps);
            index >>= steps;
            (self.first, self.last) = (first, last);
        }
        self.counts.add(index, count);
    }

    /// Halves the resolution this many times.
    fn coarsen(&mut self, steps: i32) {
        let steps = steps.min(self.scale - MIN_SCALE);
        if steps <= 0 {
            return;
        }
        self.scale -= steps;
        if self.is_empty() {
            return;
        }
        let old = std::mem::replace(&mut self.counts, Counts::None);
        for index in self.first..=self.last {
            let count = old.get(index);
            if count > 0 {
                self.counts.add(index >> steps, count);
            }
        }
        self.first >>= steps;
        self.last >>= steps;
    }
}

impl Counts {
    fn get(&self, index: i32) -> u64 {
        let place = index.rem_euclid(BUCKETS) as usize;
        match self {
            Self::None => 0,
            Self::Narrow(counts) => u64::from(counts[place]),
            Self::Wide(counts) => counts[place],
        }
    }

    fn add(&mut self, index: i32, count: u64) {
        let place = index.rem_euclid(BUCKETS) as usize;
        if let Self::None = self {
            *self = Self::Narrow(Box::new([0; MAX_BUCKETS]));
        }
        if let Self::Narrow(counts) = self {
            match u16::try_from(u64::from(counts[place]).saturating_add(count)) {
                Ok(sum) => {
                    counts[place] = sum;
                    return;
                }
                Err(_) => *self = Self::Wide(Box::new(counts.map(u64::from))),
            }
        }
        if let Self::Wide(counts) = self {
            counts[place] = counts[place].saturating_add(count);
        }
    }
}

/// The bucket of a value above zero: the greatest `i` with `base^i < value`.
fn index_of(value: f64, scale: i32) -> i32 {
    const MANTISSA_BITS: u32 = 52;
    let bits = value.max(f64::MIN_POSITIVE).to_bits();
    let exponent = ((bits >> MANTISSA_BITS) & 0x7ff) as i32 - 1023;
    let is_power_of_two = bits & ((1 << MANTISSA_BITS) - 1) == 0;
    // Upper bounds are inclusive, so a power of two belongs to the bucket below.
    if scale <= 0 {
        return (exponent - i32::from(is_power_of_two)) >> -scale;
    }
    if is_power_of_two {
        return (exponent << scale) - 1;
    }
    let index = (value.ln() * (f64::from(1 << scale) * std::f64::consts::LOG2_E)).floor() as i32;
    // Rounding must not carry a value across a power of two.
    index.clamp(exponent << scale, ((exponent + 1) << scale) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Exponential {
        let mut histogram = Exponential::default();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    #[test]
    fn bounds_are_inclusive_above() {
        let cases = [
            (1.0, 0, -1),
            (1.1, 0, 0),
            (2.0, 0, 0),
            (2.1, 0, 1),
            (0.5, 0, -2),
            (1.0, 1, -1),
            (1.4, 1, 0),
            (1.5, 1, 1),
            (4.0, -1, 0),
            (4.1, -1, 1),
            (1.0, -1, -1),
            (4.0, 3, 15),
            (f64::MAX, 0, 1023),
            (f64::MIN_POSITIVE, 0, -1023),
            (5e-324, 0, -1023),
        ];
        for (value, scale, expected) in cases {
            assert_eq!(index_of(value, scale), expected, "{value} at scale {scale}");
        }
    }

    #[test]
    fn one_value_is_as_fine_as_can_be_and_the_whole_range_still_fits() {
        assert_eq!(of(&[0.003]).buckets().scale, MAX_SCALE);
        let wide = of(&[f64::MIN_POSITIVE, 1.0, f64::MAX]).buckets();
        assert!(wide.counts.len() <= MAX_BUCKETS && wide.scale == -4, "{wide:?}");
        assert_eq!(wide.counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn zeros_count_apart_and_what_is_no_number_does_not_count() {
        let buckets = of(&[0.0, -1.0, f64::NAN, f64::INFINITY]).buckets();
        assert_eq!((buckets.zeros, buckets.counts.len()), (2, 0));
    }

    #[test]
    fn a_bucket_holds_more_than_it_began_with() {
        let mut histogram = Exponential::default();
        (0..70_000).for_each(|_| histogram.record(0.001));
        histogram.record(0.0015);
        let buckets = histogram.buckets();
        assert_eq!((buckets.counts[0], buckets.counts.iter().sum::<u64>()), (70_000, 70_001));
    }

    proptest! {
        #[test]
        fn every_value_lies_in_its_bucket_and_merging_is_counting_together(
            left in proptest::collection::vec(1e-9_f64..1e4, 0..300),
            right in proptest::collection::vec(1e-3_f64..1e-1, 0..300),
        ) {
            let all: Vec<f64> = left.iter().chain(&right).copied().collect();
            let (together, mut merged) = (of(&all), of(&left));
            merged.merge(&of(&right));
            prop_assert_eq!(merged.buckets(), together.buckets());
            let buckets = together.buckets();
            prop_assert!(buckets.counts.len() <= MAX_BUCKETS);
            prop_assert_eq!(buckets.counts.iter().sum::<u64>(), all.len() as u64);
            let bound = |index: i32| (f64::from(index) * (-f64::from(buckets.scale)).exp2()).exp2();
            for (place, count) in buckets.counts.iter().enumerate() {
                let index = buckets.offset + place as i32;
                let (above, until) = (bound(index) * (1.0 - 1e-9), bound(index + 1) * (1.0 + 1e-9));
                let within = all.iter().filter(|value| **value > above && **value <= until);
                prop_assert!(within.count() as u64 >= *count);
            }
        }
    }
}
