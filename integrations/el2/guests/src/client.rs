//! An FF-A client: negotiation, buffers, and the partition list in each way that there is.

use core::fmt;

use ffa_abi::{
    CallError, EndpointId, GetVersion, IdGet, PartitionInfo, PartitionInfo1_0, PartitionInfoFlags,
    PartitionInfoGet, PartitionInfoGetRegs, Regs, Request, RxRelease, RxtxMap, RxtxUnmap, Status,
    Uuid, Version, VersionReply, partition_descriptor_size,
};
use zerocopy::FromBytes;

/// Most partitions that a list can have here.
pub const MAX_PARTITIONS: usize = 128;
/// Size of each of the two buffers.
pub const BUFFER_SIZE: usize = 4096;

/// Partitions in the order in which they were listed.
pub type Partitions = heapless::Vec<PartitionInfo, MAX_PARTITIONS>;

/// What the client needs of the machine it runs on.
pub trait Machine {
    /// HVC or SMC with x0..x17.
    fn call(&self, regs: Regs) -> Regs;
    /// Address of the TX buffer, [`BUFFER_SIZE`] bytes.
    fn tx(&self) -> u64;
    /// Address of the RX buffer, [`BUFFER_SIZE`] bytes.
    fn rx(&self) -> u64;
    /// Copies from the start of the RX buffer.
    fn read_rx(&self, into: &mut [u8]);
}

/// Why the client did not get what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A call failed, or its reply makes no sense.
    Call(CallError),
    /// The callee has no version that this client can use.
    Version(VersionReply),
    /// More partitions than fit into a buffer or a [`Partitions`].
    TooMany(usize),
    /// Descriptors of a size that this version does not have.
    DescriptorSize(u32),
}

impl Error {
    /// Whether the list changed under a series of calls, which then starts again.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        *self == Self::Call(CallError::Status(Status::RETRY))
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => fmt::Display::fmt(error, f),
            Self::Version(VersionReply::NotSupported) => f.write_str("version not supported"),
            Self::Version(VersionReply::Supported(version)) => {
                write!(f, "version {version} is too old")
            }
            Self::TooMany(count) => write!(f, "{count} partitions are too many"),
            Self::DescriptorSize(size) => write!(f, "descriptors of {size} bytes"),
        }
    }
}

/// A client that has agreed on a version.
#[derive(Debug)]
pub struct Client<M> {
    machine: M,
    version: Version,
}

impl<M: Machine> Client<M> {
    /// Agrees on `version` with the callee, whose own may be higher.
    ///
    /// # Errors
    /// [`Error::Version`], or that of the call.
    pub fn negotiate(machine: M, version: Version) -> Result<Self, Error> {
        let client = Self { machine, version };
        match client.request(&GetVersion::new(version))? {
            VersionReply::Supported(own) if own >= version && own.is_compatible_with(version) => {
                Ok(client)
            }
            reply => Err(Error::Version(reply)),
        }
    }

    /// The version agreed on.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The callee's, or a reply that makes no sense.
    pub fn request<R: Request>(&self, request: &R) -> Result<R::Reply, Error> {
        Ok(request.reply(&self.machine.call(request.encode()), self.version)?)
    }

    /// The client's own id.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn id(&self) -> Result<EndpointId, Error> {
        Ok(self.request(&IdGet)?.id)
    }

    /// Hands the buffers over.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn map(&self) -> Result<(), Error> {
        let (tx, rx) = (self.machine.tx(), self.machine.rx());
        self.request(&RxtxMap::one_page(tx, rx)).map(|_| ())
    }

    /// Takes the buffers back.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn unmap(&self) -> Result<(), Error> {
        self.request(&RxtxUnmap { endpoint: EndpointId(0) }).map(|_| ())
    }

    /// How many partitions there are (1.1).
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn count(&self) -> Result<usize, Error> {
        let flags = PartitionInfoFlags::COUNT_ONLY;
        Ok(self.request(&PartitionInfoGet { uuid: Uuid::NIL, flags })?.count as usize)
    }

    /// The partitions, through the RX buffer.
    ///
    /// # Errors
    /// As [`Client::request`], or a reply that does not fit.
    pub fn list(&self) -> Result<Partitions, Error> {
        let flags = PartitionInfoFlags::empty();
        let reply = self.request(&PartitionInfoGet { uuid: Uuid::NIL, flags })?;
        let partitions = self.read_list(reply.count as usize, reply.descriptor_size);
        self.request(&RxRelease { endpoint: EndpointId(0) })?;
        partitions
    }

    fn read_list(&self, count: usize, reported_size: u32) -> Result<Partitions, Error> {
        let size = partition_descriptor_size(self.version);
        // FF-A 1.0 does not report a size.
        if self.version >= Version::V1_1 && reported_size as usize != size {
            return Err(Error::DescriptorSize(reported_size));
        }
        let mut buffer = [0; BUFFER_SIZE];
        let length = count.checked_mul(size);
        let bytes = length.and_then(|length| buffer.get_mut(..length));
        let bytes = bytes.ok_or(Error::TooMany(count))?;
        self.machine.read_rx(bytes);
        collect(bytes.chunks_exact(size).filter_map(|chunk| self.descriptor(chunk)))
    }

    fn descriptor(&self, bytes: &[u8]) -> Option<PartitionInfo> {
        if self.version >= Version::V1_1 {
            return PartitionInfo::read_from_bytes(bytes).ok();
        }
        let old = PartitionInfo1_0::read_from_bytes(bytes).ok()?;
        let contexts = old.execution_contexts();
        Some(PartitionInfo::new(old.id(), contexts, old.properties(), Uuid::NIL))
    }

    /// The partitions, through registers (1.2), and the tag of the state that was seen.
    ///
    /// # Errors
    /// As [`Client::request`]; [`Error::is_retry`] where the list changed meanwhile.
    pub fn registers(&self) -> Result<(Partitions, u16), Error> {
        let mut partitions = Partitions::new();
        let mut next = PartitionInfoGetRegs { uuid: Uuid::NIL, start: 0, tag: 0 };
        loop {
            let reply = self.request(&next)?;
            let too_many = Error::TooMany(usize::from(reply.last()) + 1);
            partitions.extend_from_slice(reply.descriptors()).map_err(|_| too_many)?;
            if reply.current() == reply.last() {
                return Ok((partitions, reply.tag()));
            }
            next = PartitionInfoGetRegs { start: reply.current() + 1, tag: reply.tag(), ..next };
        }
    }
}

fn collect(partitions: impl Iterator<Item = PartitionInfo>) -> Result<Partitions, Error> {
    let mut list = Partitions::new();
    for partition in partitions {
        list.push(partition).map_err(|_| Error::TooMany(MAX_PARTITIONS + 1))?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests;
