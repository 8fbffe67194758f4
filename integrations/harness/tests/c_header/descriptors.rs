//! The descriptors of Rust, field by field, each with the tag of its structure in C. By hand: a type
//! that has other fields than are written here does not compile.

use ffa_abi::raw::{
    RawAccess, RawAccess1_2, RawBootDescriptor, RawBootHeader, RawComposite, RawEndpointRxTx,
    RawEndpointRxTx1_0, RawMessageHeader, RawMessageHeader1_2, RawRange, RawRelinquish,
    RawTransaction, RawTransaction1_0,
};
use ffa_abi::{EndpointId, PartitionInfo, PartitionInfo1_0, PartitionProperties, Uuid};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, IntoBytes};

/// The numbers of a field by its name.
pub(crate) type Values<'v> = &'v dyn Fn(&str) -> Vec<u64>;

/// Each field's name and numbers.
pub(crate) type Fields = Vec<(&'static str, Vec<u64>)>;

/// A type of Rust and its structure in C.
pub(crate) struct Descriptor {
    pub(crate) name: &'static str,
    pub(crate) tag: &'static str,
    /// Makes one of the numbers for each field, and gives its bytes.
    pub(crate) bytes_of: fn(Values<'_>) -> Vec<u8>,
    /// Reads one from bytes, and gives the numbers in each field.
    pub(crate) fields_of: fn(&[u8]) -> Fields,
}

/// A field as numbers: one, or those of an array.
trait Numbers {
    /// Of the numbers that it has, no more and no fewer.
    fn of(numbers: &[u64]) -> Self;
    fn numbers(&self) -> Vec<u64>;
}

macro_rules! integers {
    ($($type:ty)+) => {
        $(impl Numbers for $type {
            fn of(numbers: &[u64]) -> Self {
                let [number] = numbers else { panic!("{} numbers for one", numbers.len()) };
                Self::try_from(*number).unwrap()
            }

            fn numbers(&self) -> Vec<u64> {
                vec![u64::from(*self)]
            }
        })+
    };
}

integers!(u8 u16 u32 u64);

macro_rules! little_endian {
    ($($type:ty)+) => {
        $(impl Numbers for $type {
            fn of(numbers: &[u64]) -> Self {
                Self::new(Numbers::of(numbers))
            }

            fn numbers(&self) -> Vec<u64> {
                self.get().numbers()
            }
        })+
    };
}

little_endian!(U16 U32 U64);

impl<const N: usize> Numbers for [u8; N] {
    fn of(numbers: &[u64]) -> Self {
        let bytes: Vec<u8> = numbers.iter().map(|number| u8::of(&[*number])).collect();
        bytes.try_into().unwrap()
    }

    fn numbers(&self) -> Vec<u64> {
        self.iter().copied().map(u64::from).collect()
    }
}

macro_rules! raw {
    ($tag:literal = $type:ident { $($field:ident),+ }) => {
        Descriptor {
            name: stringify!($type),
            tag: $tag,
            bytes_of: |numbers| {
                let raw = $type { $($field: Numbers::of(&numbers(stringify!($field)))),+ };
                raw.as_bytes().to_vec()
            },
            fields_of: |bytes| {
                let $type { $($field),+ } = $type::read_from_bytes(bytes).unwrap();
                vec![$((stringify!($field), $field.numbers())),+]
            },
        }
    };
}

/// In the order of `LAYOUTS`.
pub(crate) const DESCRIPTORS: &[Descriptor] = &[
    Descriptor {
        name: "PartitionInfo1_0",
        tag: "ffa_partition_info_1_0",
        bytes_of: |numbers| partition(numbers).to_1_0().as_bytes().to_vec(),
        fields_of: |bytes| {
            let info = PartitionInfo1_0::read_from_bytes(bytes).unwrap();
            vec![
                ("id", info.id().0.numbers()),
                ("execution_contexts", info.execution_contexts().numbers()),
                ("properties", info.properties().bits().numbers()),
            ]
        },
    },
    Descriptor {
        name: "PartitionInfo",
        tag: "ffa_partition_info",
        bytes_of: |numbers| partition(numbers).as_bytes().to_vec(),
        fields_of: |bytes| {
            let info = PartitionInfo::read_from_bytes(bytes).unwrap();
            vec![
                ("id", info.id().0.numbers()),
                ("execution_contexts", info.execution_contexts().numbers()),
                ("properties", info.properties().bits().numbers()),
                ("uuid", info.uuid().0.numbers()),
            ]
        },
    },
    raw!(
        "ffa_message_header" = RawMessageHeader { flags, reserved, offset, receiver, sender, size }
    ),
    raw!(
        "ffa_message_header_1_2" = RawMessageHeader1_2 {
            flags,
            reserved_4,
            offset,
            receiver,
            sender,
            size,
            reserved_20,
            uuid
        }
    ),
    raw!(
        "ffa_transaction_1_0" = RawTransaction1_0 {
            sender,
            attributes,
            reserved_3,
            flags,
            handle,
            tag,
            reserved_24,
            access_count
        }
    ),
    raw!(
        "ffa_transaction" = RawTransaction {
            sender,
            attributes,
            flags,
            handle,
            tag,
            access_size,
            access_count,
            access_offset,
            reserved
        }
    ),
    raw!("ffa_access" = RawAccess { receiver, permissions, flags, composite_offset, reserved }),
    raw!(
        "ffa_access_1_2" = RawAccess1_2 {
            receiver,
            permissions,
            flags,
            composite_offset,
            implementation_defined,
            reserved
        }
    ),
    raw!("ffa_composite" = RawComposite { pages, ranges, reserved }),
    raw!("ffa_range" = RawRange { address, pages, reserved }),
    raw!("ffa_relinquish" = RawRelinquish { handle, flags, endpoint_count }),
    raw!(
        "ffa_endpoint_rx_tx_1_0" =
            RawEndpointRxTx1_0 { endpoint, reserved_2, rx_ranges, tx_ranges, reserved_12 }
    ),
    raw!("ffa_endpoint_rx_tx" = RawEndpointRxTx { endpoint, reserved, rx_offset, tx_offset }),
    raw!(
        "ffa_boot_header" = RawBootHeader {
            signature,
            version,
            blob_size,
            descriptor_size,
            descriptor_count,
            array_offset,
            reserved
        }
    ),
    raw!(
        "ffa_boot_descriptor" =
            RawBootDescriptor { name, item_type, reserved, flags, size, contents }
    ),
];

/// Without a UUID where there is no field for it.
fn partition(numbers: Values<'_>) -> PartitionInfo {
    let id = EndpointId(Numbers::of(&numbers("id")));
    let contexts = Numbers::of(&numbers("execution_contexts"));
    let properties = Numbers::of(&numbers("properties"));
    let uuid = numbers("uuid");
    let uuid = if uuid.is_empty() { Uuid::NIL } else { Uuid(Numbers::of(&uuid)) };
    PartitionInfo::new(id, contexts, PartitionProperties::from_bits_retain(properties), uuid)
}
