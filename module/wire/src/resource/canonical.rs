//! Rewriting messages into one canonical order of fields, driven by a small description of the message.

use super::{OUTSIDE_IDENTITY, number};
use crate::WireError;
use crate::field::{Field, Pieces, put_bytes_field};

/// What becomes of the occurrences of one field number. A number without a rule keeps all its occurrences as they
/// are, in wire order: it is a repeated field, or one that another build of Mesos knows.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// A singular text or number: the last occurrence counts.
    Last,
    /// A text for which absent and empty are the same: as `Last`, left out if empty.
    LastUnlessEmpty,
    /// A singular message: one occurrence is kept as it is, several are concatenated.
    Merge,
    /// A singular message, itself rewritten.
    Rewrite(&'static Form),
    /// A repeated message, each one rewritten, order kept.
    RewriteEach(&'static Form),
    /// A repeated message, each one rewritten, in ascending order of their bytes: their order means nothing.
    RewriteEachSorted(&'static Form),
    /// Left out.
    Drop,
}

/// The canonical form of one message.
#[derive(Debug)]
struct Form {
    message: &'static str,
    rules: &'static [(u32, Rule)],
}

/// The identity: singular fields once, everything in ascending order, sub-messages untouched.
const IDENTITY: Form = Form {
    message: "Resource",
    rules: &[
        (number::NAME, Rule::Last),
        (number::TYPE, Rule::Last),
        (OUTSIDE_IDENTITY[0], Rule::Drop),
        (OUTSIDE_IDENTITY[1], Rule::Drop),
        (OUTSIDE_IDENTITY[2], Rule::Drop),
        (number::DISK, Rule::Merge),
        (number::REVOCABLE, Rule::Merge),
        (number::SHARED, Rule::Merge),
        (OUTSIDE_IDENTITY[3], Rule::Drop),
        (number::PROVIDER_ID, Rule::Merge),
    ],
};

/// The identity reduced to what the host compares (see [`super::comparison_key`]).
const COMPARED: Form = Form {
    message: "Resource",
    rules: &[
        (number::NAME, Rule::Last),
        (number::TYPE, Rule::Last),
        (OUTSIDE_IDENTITY[0], Rule::Drop),
        (OUTSIDE_IDENTITY[1], Rule::Drop),
        (OUTSIDE_IDENTITY[2], Rule::Drop),
        (number::DISK, Rule::Rewrite(&COMPARED_DISK)),
        (number::REVOCABLE, Rule::Rewrite(&MARKER)),
        (number::SHARED, Rule::Rewrite(&MARKER)),
        (OUTSIDE_IDENTITY[3], Rule::Drop),
        (number::PROVIDER_ID, Rule::Rewrite(&SINGLE_TEXT)),
        (number::RESERVATIONS, Rule::RewriteEach(&RESERVATION)),
    ],
};

const MARKER: Form = Form { message: "Resource.RevocableInfo", rules: &[] };
const SINGLE_TEXT: Form = Form { message: "ResourceProviderID", rules: &[(1, Rule::Last)] };
const RESERVATION: Form = Form {
    message: "Resource.ReservationInfo",
    rules: &[(1, Rule::Last), (2, Rule::Rewrite(&LABELS)), (3, Rule::Last), (4, Rule::Last)],
};
/// Who reserved, and the labels; for whom and how is compared by itself.
const CLAIM: Form = Form {
    message: "Resource.ReservationInfo",
    rules: &[(1, Rule::Last), (2, Rule::Rewrite(&LABELS)), (3, Rule::Drop), (4, Rule::Drop)],
};
const LABELS: Form = Form { message: "Labels", rules: &[(1, Rule::RewriteEachSorted(&LABEL))] };
const LABEL: Form = Form { message: "Label", rules: &[(1, Rule::Last), (2, Rule::LastUnlessEmpty)] };
const COMPARED_DISK: Form = Form {
    message: "Resource.DiskInfo",
    rules: &[(1, Rule::Rewrite(&COMPARED_PERSISTENCE)), (2, Rule::Drop), (3, Rule::Rewrite(&SOURCE))],
};
const COMPARED_PERSISTENCE: Form =
    Form { message: "Resource.DiskInfo.Persistence", rules: &[(1, Rule::Last), (2, Rule::Drop)] };
const SOURCE: Form = Form {
    message: "Resource.DiskInfo.Source",
    rules: &[
        (1, Rule::Last),
        (2, Rule::Rewrite(&PLACE)),
        (3, Rule::Rewrite(&PLACE)),
        (4, Rule::Last),
        (5, Rule::Rewrite(&LABELS)),
        (6, Rule::Last),
        (7, Rule::Last),
    ],
};
const PLACE: Form = Form { message: "Resource.DiskInfo.Source.Path", rules: &[(1, Rule::Last)] };

/// The identity of a resource with these fields.
pub(super) fn identity(fields: &[Field<'_>]) -> Result<Vec<u8>, WireError> {
    IDENTITY.rewrite(fields)
}

/// The part of an identity that the host compares.
pub(super) fn compared(fields: &[Field<'_>]) -> Result<Vec<u8>, WireError> {
    COMPARED.rewrite(fields)
}

/// The part of a reservation that the older format has as well, as the host compares it.
pub(super) fn claim(reservation: &Pieces<'_>) -> Result<Vec<u8>, WireError> {
    CLAIM.rewrite(&reservation.fields(CLAIM.message)?)
}

impl Form {
    fn rewrite(&self, fields: &[Field<'_>]) -> Result<Vec<u8>, WireError> {
        let mut ascending: Vec<Field<'_>> = fields.to_vec();
        // Stable: occurrences of one number stay in wire order.
        ascending.sort_by_key(|field| field.number);
        let mut out = Vec::with_capacity(fields.iter().map(|field| field.raw.len()).sum());
        for occurrences in ascending.chunk_by(|left, right| left.number == right.number) {
            self.put(occurrences, &mut out)?;
        }
        Ok(out)
    }

    /// Appends all occurrences of one field number.
    fn put(&self, occurrences: &[Field<'_>], out: &mut Vec<u8>) -> Result<(), WireError> {
        let Some(last) = occurrences.last() else {
            return Ok(());
        };
        let number = last.number;
        match self.rules.iter().find(|(ruled, _)| *ruled == number).map(|(_, rule)| *rule) {
            None => occurrences.iter().for_each(|field| out.extend_from_slice(field.raw)),
            Some(Rule::Drop) => {}
            Some(Rule::LastUnlessEmpty) if last.bytes()?.is_empty() => {}
            Some(Rule::Last | Rule::LastUnlessEmpty) => out.extend_from_slice(last.raw),
            Some(Rule::Merge) if occurrences.len() == 1 => out.extend_from_slice(last.raw),
            Some(Rule::Merge) => {
                let pieces = occurrences.iter().map(Field::bytes).collect::<Result<Vec<_>, _>>()?;
                put_bytes_field(out, number, &pieces.concat());
            }
            Some(Rule::Rewrite(form)) => {
                if let Some(pieces) = Pieces::of(occurrences, number)? {
                    put_bytes_field(out, number, &form.rewrite(&pieces.fields(form.message)?)?);
                }
            }
            Some(Rule::RewriteEach(form)) => {
                for each in form.rewrite_each(occurrences)? {
                    put_bytes_field(out, number, &each);
                }
            }
            Some(Rule::RewriteEachSorted(form)) => {
                let mut each = form.rewrite_each(occurrences)?;
                each.sort_unstable();
                each.iter().for_each(|bytes| put_bytes_field(out, number, bytes));
            }
        }
        Ok(())
    }

    fn rewrite_each(&self, occurrences: &[Field<'_>]) -> Result<Vec<Vec<u8>>, WireError> {
        occurrences
            .iter()
            .map(|field| self.rewrite(&Pieces::whole(field.bytes()?).fields(self.message)?))
            .collect()
    }
}
