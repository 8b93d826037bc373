//! How much of each scalar: what a role is guaranteed, what it is limited to, the least an offer must hold.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::shown;
use crate::messages::ScalarEntry;
use crate::resource::{ResourceParts, comparison_key, facts};
use crate::text::read_amount;
use crate::{Scalar, Value, WireError};

/// Why something is no quantities or no limits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// A part of a text cannot be read.
    #[error("in `{token}`: {problem}; expected `name:number`, the number {AMOUNT}")]
    Token {
        /// The part, between two semicolons.
        token: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A number in a message is no amount.
    #[error("`{name}`: {found} is {problem}; expected {AMOUNT}")]
    Number {
        /// Name of the resource.
        name: String,
        /// The number. Compare with care: it may be NaN.
        found: f64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name is limited twice.
    #[error("`{name}` is limited to {first} and to {second}; expected one limit for a name")]
    LimitedTwice {
        /// Name of the resource.
        name: String,
        /// The first limit.
        first: Scalar,
        /// The second limit.
        second: Scalar,
    },
    /// More is guaranteed than allowed.
    #[error(
        "`{name}`: {guarantee} are guaranteed, but the limit is {limit}; expected a limit that is not lower"
    )]
    AboveLimit {
        /// Name of the resource.
        name: String,
        /// What is guaranteed.
        guarantee: Scalar,
        /// The limit.
        limit: Scalar,
    },
    /// A resource is no resource, or no scalar.
    #[error(transparent)]
    Unreadable(#[from] WireError),
}

const AMOUNT: &str = "0, or from 0.0005 to the largest quota (2^40 for mem and disk, 10^12 for others)";

/// Most mem or disk a quota can name: an exabyte in megabytes.
const MOST_SPACE: f64 = (1_u64 << 40) as f64;
/// Most a quota can name of anything else.
const MOST: f64 = 1e12;

/// Positive amounts by resource name; a name that is missing means nothing.
///
/// ```
/// use apportion_wire::Quantities;
///
/// let mut left = Quantities::read("cpus:4;mem:64")?;
/// left.subtract(&Quantities::read("cpus:1.5;mem:100;disk:1")?);
/// assert_eq!(left.to_string(), "cpus:2.5");
/// # Ok::<(), apportion_wire::QuantityError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quantities(BTreeMap<Vec<u8>, Scalar>);

impl Quantities {
    /// Reads `name:number;name:number`. Equal names are added up, zeros left out.
    ///
    /// # Errors
    ///
    /// [`QuantityError::Token`] for a part that is no name and number, or whose number is negative, subnormal, not
    /// finite, or too large.
    pub fn read(text: &str) -> Result<Self, QuantityError> {
        let mut quantities = Self::default();
        for (name, amount) in read_pairs(text)? {
            quantities.add_amount(name.as_bytes(), amount);
        }
        Ok(quantities)
    }

    /// The entries of a map in a message. Of two entries with the same name the later counts, as in the encoding.
    ///
    /// # Errors
    ///
    /// [`QuantityError::Number`] for a number that is no amount.
    pub fn from_entries(entries: &[ScalarEntry]) -> Result<Self, QuantityError> {
        let mut amounts = read_entries(entries)?;
        amounts.retain(|_, amount| amount.thousandths() > 0);
        Ok(Self(amounts))
    }

    /// What scalar resources add up to by name, whoever they are reserved for or allocated to. Of a shared resource
    /// only one copy counts.
    ///
    /// # Errors
    ///
    /// [`QuantityError::Unreadable`] for parts that are no resource or no scalar.
    pub fn of_scalars(resources: &[ResourceParts]) -> Result<Self, QuantityError> {
        let mut quantities = Self::default();
        let mut shared = Vec::new();
        for resource in resources {
            let facts = facts(&resource.identity)?;
            let Value::Scalar(amount) = resource.value else {
                let reason = "its value is no number, and cannot be counted as a quantity";
                return Err(WireError::InvalidResource { name: facts.name.to_vec(), reason }.into());
            };
            if facts.shared {
                let entry = (comparison_key(&resource.identity)?, amount, &resource.allocation_role);
                if shared.contains(&entry) {
                    continue;
                }
                shared.push(entry);
            }
            quantities.add_amount(facts.name, amount);
        }
        Ok(quantities)
    }

    /// The amount of a name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Scalar {
        self.0.get(name).copied().unwrap_or(Scalar::ZERO)
    }

    /// Names and amounts, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Scalar)> {
        self.0.iter().map(|(name, amount)| (name.as_slice(), *amount))
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds, name by name.
    pub fn add(&mut self, other: &Self) {
        for (name, amount) in other.iter() {
            self.add_amount(name, amount);
        }
    }

    /// Takes away, name by name; nothing goes below nothing.
    pub fn subtract(&mut self, other: &Self) {
        self.0.retain(|name, amount| {
            *amount = amount.minus_floored(other.get(name));
            amount.thousandths() > 0
        });
    }

    /// Whether everything in `other` is in this.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.iter().all(|(name, amount)| self.get(name) >= amount)
    }

    fn add_amount(&mut self, name: &[u8], amount: Scalar) {
        let sum = self.get(name).plus(amount);
        if sum.thousandths() > 0 {
            self.0.insert(name.to_vec(), sum);
        }
    }
}

impl fmt::Display for Quantities {
    /// `cpus:1; mem:64`, or `{}` for nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pairs(&self.0, f)
    }
}

/// Limits by resource name; a name that is missing has none, zero is a limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits(BTreeMap<Vec<u8>, Scalar>);

impl Limits {
    /// Reads `name:number;name:number`.
    ///
    /// # Errors
    ///
    /// As [`Quantities::read`], and [`QuantityError::LimitedTwice`] for a name that comes twice.
    pub fn read(text: &str) -> Result<Self, QuantityError> {
        let mut limits = Self::default();
        for (name, second) in read_pairs(text)? {
            if let Some(first) = limits.0.insert(name.as_bytes().to_vec(), second) {
                return Err(QuantityError::LimitedTwice { name, first, second });
            }
        }
        Ok(limits)
    }

    /// The entries of a map in a message. Of two entries with the same name the later counts, as in the encoding.
    ///
    /// # Errors
    ///
    /// [`QuantityError::Number`] for a number that is no amount.
    pub fn from_entries(entries: &[ScalarEntry]) -> Result<Self, QuantityError> {
        Ok(Self(read_entries(entries)?))
    }

    /// The limit of a name; `None` if there is none.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Scalar> {
        self.0.get(name).copied()
    }

    /// Names and limits, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Scalar)> {
        self.0.iter().map(|(name, limit)| (name.as_slice(), *limit))
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of the limits is left beside `used`; no limit falls below 0, and what has no limit still has none.
    pub fn subtract(&mut self, used: &Quantities) {
        for (name, limit) in &mut self.0 {
            *limit = limit.minus_floored(used.get(name));
        }
    }

    /// Whether quantities keep within these limits.
    #[must_use]
    pub fn contains(&self, quantities: &Quantities) -> bool {
        self.iter().all(|(name, limit)| quantities.get(name) <= limit)
    }

    /// Whether whoever keeps within `other` keeps within these limits too: each of these has a counterpart there
    /// that is not higher.
    #[must_use]
    pub fn contains_limits(&self, other: &Self) -> bool {
        self.iter().all(|(name, limit)| other.get(name).is_some_and(|narrower| narrower <= limit))
    }

    /// Checks that no more than this is guaranteed.
    ///
    /// # Errors
    ///
    /// [`QuantityError::AboveLimit`] with the first name of which more is guaranteed.
    pub fn check_guarantees(&self, guarantees: &Quantities) -> Result<(), QuantityError> {
        for (name, limit) in self.iter() {
            let guarantee = guarantees.get(name);
            if guarantee > limit {
                return Err(QuantityError::AboveLimit { name: shown(name), guarantee, limit });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Limits {
    /// `cpus:0; mem:64`, or `{}` for no limits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pairs(&self.0, f)
    }
}

fn write_pairs(pairs: &BTreeMap<Vec<u8>, Scalar>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if pairs.is_empty() {
        return f.write_str("{}");
    }
    let pairs: Vec<String> = pairs.iter().map(|(name, amount)| format!("{}:{amount}", shown(name))).collect();
    f.write_str(&pairs.join("; "))
}

fn read_pairs(text: &str) -> Result<Vec<(String, Scalar)>, QuantityError> {
    let tokens = text.split(';').filter(|token| !token.is_empty());
    tokens
        .map(|token| {
            let wrong = |problem: String| QuantityError::Token { token: token.to_owned(), problem };
            let parts: Vec<&str> = token.split(':').filter(|part| !part.is_empty()).collect();
            let [name, number] = parts[..] else {
                return Err(wrong(format!("found {} instead of 2 parts around a `:`", parts.len())));
            };
            let name = name.trim();
            if name.is_empty() {
                return Err(wrong("the name is empty".to_owned()));
            }
            let number: String = number.chars().filter(|character| *character != ' ').collect();
            let Ok(found) = number.parse::<f64>() else {
                return Err(wrong(format!("`{number}` is no number")));
            };
            let amount = read_quantity(name.as_bytes(), found);
            Ok((name.to_owned(), amount.map_err(|problem| wrong(format!("`{number}` is {problem}")))?))
        })
        .collect()
}

fn read_entries(entries: &[ScalarEntry]) -> Result<BTreeMap<Vec<u8>, Scalar>, QuantityError> {
    let mut amounts = BTreeMap::new();
    for entry in entries {
        let (name, found) = entry.read();
        let amount = read_quantity(name, found).map_err(|problem| QuantityError::Number {
            name: shown(name),
            found,
            problem,
        })?;
        amounts.insert(name.to_vec(), amount);
    }
    Ok(amounts)
}

fn read_quantity(name: &[u8], number: f64) -> Result<Scalar, &'static str> {
    let most = if name == b"mem" || name == b"disk" { MOST_SPACE } else { MOST };
    if number > most {
        return Err("above what a quota can name");
    }
    read_amount(number)
}
