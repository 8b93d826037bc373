//! `mesos.Resource` and everything in it, every field of Mesos 1.11 declared, as the oracle for what the crate does
//! without declarations. Text is bytes, so that it may be anything.

use crate::entropy::{Draw, Entropy};
use crate::numbers::Declared;

macro_rules! messages {
    ($($name:ident = $proto:literal { $(#[prost($($attribute:tt)*)] $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Clone, PartialEq, prost::Message)]
            pub(crate) struct $name {
                $(#[prost($($attribute)*)] pub(crate) $field: $type,)*
            }

            impl Draw for $name {
                #[allow(unused_variables, reason = "some messages have no field")]
                fn draw(entropy: &mut Entropy) -> Self {
                    $name { $($field: Draw::draw(entropy),)* }
                }
            }
        )*

        /// Every message declared here.
        pub(crate) fn declared() -> Vec<Declared> {
            vec![$(Declared::of::<$name>($proto),)*]
        }
    };
}

messages! {
    Resource = "Resource" {
        #[prost(bytes = "vec", required, tag = "1")]
        name: Vec<u8>,
        #[prost(int32, required, tag = "2")]
        r#type: i32,
        #[prost(message, optional, tag = "3")]
        scalar: Option<ValueScalar>,
        #[prost(message, optional, tag = "4")]
        ranges: Option<ValueRanges>,
        #[prost(message, optional, tag = "5")]
        set: Option<ValueSet>,
        #[prost(bytes = "vec", optional, tag = "6")]
        role: Option<Vec<u8>>,
        #[prost(message, optional, tag = "7")]
        disk: Option<Disk>,
        #[prost(message, optional, tag = "8")]
        reservation: Option<ResourceReservationInfo>,
        #[prost(message, optional, tag = "9")]
        revocable: Option<ResourceRevocableInfo>,
        #[prost(message, optional, tag = "10")]
        shared: Option<ResourceSharedInfo>,
        #[prost(message, optional, tag = "11")]
        allocation_info: Option<ResourceAllocationInfo>,
        #[prost(message, optional, tag = "12")]
        provider_id: Option<ResourceProviderId>,
        #[prost(message, repeated, tag = "13")]
        reservations: Vec<ResourceReservationInfo>,
    }
    ResourceProviderId = "ResourceProviderID" {
        #[prost(bytes = "vec", required, tag = "1")]
        value: Vec<u8>,
    }
    ValueScalar = "Value.Scalar" {
        #[prost(double, required, tag = "1")]
        value: f64,
    }
    ValueRanges = "Value.Ranges" {
        #[prost(message, repeated, tag = "1")]
        range: Vec<ValueRange>,
    }
    ValueRange = "Value.Range" {
        #[prost(uint64, required, tag = "1")]
        begin: u64,
        #[prost(uint64, required, tag = "2")]
        end: u64,
    }
    ValueSet = "Value.Set" {
        #[prost(bytes = "vec", repeated, tag = "1")]
        item: Vec<Vec<u8>>,
    }
    ResourceAllocationInfo = "Resource.AllocationInfo" {
        #[prost(bytes = "vec", optional, tag = "1")]
        role: Option<Vec<u8>>,
    }
    ResourceReservationInfo = "Resource.ReservationInfo" {
        #[prost(bytes = "vec", optional, tag = "1")]
        principal: Option<Vec<u8>>,
        #[prost(message, optional, tag = "2")]
        labels: Option<Labels>,
        #[prost(bytes = "vec", optional, tag = "3")]
        role: Option<Vec<u8>>,
        #[prost(int32, optional, tag = "4")]
        r#type: Option<i32>,
    }
    Labels = "Labels" {
        #[prost(message, repeated, tag = "1")]
        labels: Vec<Label>,
    }
    Label = "Label" {
        #[prost(bytes = "vec", required, tag = "1")]
        key: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        value: Option<Vec<u8>>,
    }
    Disk = "Resource.DiskInfo" {
        #[prost(message, optional, tag = "1")]
        persistence: Option<DiskPersistence>,
        #[prost(message, optional, tag = "2")]
        volume: Option<Volume>,
        #[prost(message, optional, tag = "3")]
        source: Option<DiskSource>,
    }
    DiskPersistence = "Resource.DiskInfo.Persistence" {
        #[prost(bytes = "vec", required, tag = "1")]
        id: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        principal: Option<Vec<u8>>,
    }
    Volume = "Volume" {
        #[prost(bytes = "vec", required, tag = "1")]
        container_path: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        host_path: Option<Vec<u8>>,
        #[prost(int32, required, tag = "3")]
        mode: i32,
        #[prost(message, optional, tag = "4")]
        image: Option<Image>,
        #[prost(message, optional, tag = "5")]
        source: Option<VolumeSource>,
    }
    Image = "Image" {
        #[prost(int32, required, tag = "1")]
        r#type: i32,
        #[prost(message, optional, tag = "2")]
        appc: Option<ImageAppc>,
        #[prost(message, optional, tag = "3")]
        docker: Option<ImageDocker>,
        #[prost(bool, optional, tag = "4")]
        cached: Option<bool>,
    }
    ImageAppc = "Image.Appc" {
        #[prost(bytes = "vec", required, tag = "1")]
        name: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        id: Option<Vec<u8>>,
        #[prost(message, optional, tag = "3")]
        labels: Option<Labels>,
    }
    ImageDocker = "Image.Docker" {
        #[prost(bytes = "vec", required, tag = "1")]
        name: Vec<u8>,
        #[prost(message, optional, tag = "2")]
        credential: Option<Credential>,
        #[prost(message, optional, tag = "3")]
        config: Option<Secret>,
    }
    Credential = "Credential" {
        #[prost(bytes = "vec", required, tag = "1")]
        principal: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        secret: Option<Vec<u8>>,
    }
    Secret = "Secret" {
        #[prost(int32, optional, tag = "1")]
        r#type: Option<i32>,
        #[prost(message, optional, tag = "2")]
        reference: Option<SecretReference>,
        #[prost(message, optional, tag = "3")]
        value: Option<SecretValue>,
    }
    SecretReference = "Secret.Reference" {
        #[prost(bytes = "vec", required, tag = "1")]
        name: Vec<u8>,
        #[prost(bytes = "vec", optional, tag = "2")]
        key: Option<Vec<u8>>,
    }
    SecretValue = "Secret.Value" {
        #[prost(bytes = "vec", required, tag = "1")]
        data: Vec<u8>,
    }
    VolumeSource = "Volume.Source" {
        #[prost(int32, optional, tag = "1")]
        r#type: Option<i32>,
        #[prost(message, optional, tag = "2")]
        docker_volume: Option<VolumeSourceDockerVolume>,
        #[prost(message, optional, tag = "3")]
        sandbox_path: Option<VolumeSourceSandboxPath>,
        #[prost(message, optional, tag = "4")]
        secret: Option<Secret>,
        #[prost(message, optional, tag = "5")]
        host_path: Option<VolumeSourceHostPath>,
        #[prost(message, optional, tag = "6")]
        csi_volume: Option<Csi>,
    }
    VolumeSourceDockerVolume = "Volume.Source.DockerVolume" {
        #[prost(bytes = "vec", optional, tag = "1")]
        driver: Option<Vec<u8>>,
        #[prost(bytes = "vec", required, tag = "2")]
        name: Vec<u8>,
        #[prost(message, optional, tag = "3")]
        driver_options: Option<Parameters>,
    }
    Parameters = "Parameters" {
        #[prost(message, repeated, tag = "1")]
        parameter: Vec<Parameter>,
    }
    Parameter = "Parameter" {
        #[prost(bytes = "vec", required, tag = "1")]
        key: Vec<u8>,
        #[prost(bytes = "vec", required, tag = "2")]
        value: Vec<u8>,
    }
    VolumeSourceHostPath = "Volume.Source.HostPath" {
        #[prost(bytes = "vec", required, tag = "1")]
        path: Vec<u8>,
        #[prost(message, optional, tag = "2")]
        mount_propagation: Option<MountPropagation>,
    }
    MountPropagation = "MountPropagation" {
        #[prost(int32, optional, tag = "1")]
        mode: Option<i32>,
    }
    VolumeSourceSandboxPath = "Volume.Source.SandboxPath" {
        #[prost(int32, optional, tag = "1")]
        r#type: Option<i32>,
        #[prost(bytes = "vec", required, tag = "2")]
        path: Vec<u8>,
    }
    Csi = "Volume.Source.CSIVolume" {
        #[prost(bytes = "vec", required, tag = "1")]
        plugin_name: Vec<u8>,
        #[prost(message, optional, tag = "2")]
        static_provisioning: Option<CsiStaticProvisioning>,
    }
    CsiStaticProvisioning = "Volume.Source.CSIVolume.StaticProvisioning" {
        #[prost(bytes = "vec", required, tag = "1")]
        volume_id: Vec<u8>,
        #[prost(message, required, tag = "2")]
        volume_capability: CsiVolumeCapability,
        #[prost(message, repeated, tag = "3")]
        node_stage_secrets: Vec<SecretEntry>,
        #[prost(message, repeated, tag = "4")]
        node_publish_secrets: Vec<SecretEntry>,
        #[prost(message, repeated, tag = "5")]
        volume_context: Vec<TextEntry>,
    }
    CsiVolumeCapability = "Volume.Source.CSIVolume.VolumeCapability" {
        #[prost(message, optional, tag = "1")]
        block: Option<CsiVolumeCapabilityBlockVolume>,
        #[prost(message, optional, tag = "2")]
        mount: Option<CsiVolumeCapabilityMountVolume>,
        #[prost(message, required, tag = "3")]
        access_mode: CsiVolumeCapabilityAccessMode,
    }
    CsiVolumeCapabilityBlockVolume = "Volume.Source.CSIVolume.VolumeCapability.BlockVolume" {
    }
    CsiVolumeCapabilityMountVolume = "Volume.Source.CSIVolume.VolumeCapability.MountVolume" {
        #[prost(bytes = "vec", optional, tag = "1")]
        fs_type: Option<Vec<u8>>,
        #[prost(bytes = "vec", repeated, tag = "2")]
        mount_flags: Vec<Vec<u8>>,
    }
    CsiVolumeCapabilityAccessMode = "Volume.Source.CSIVolume.VolumeCapability.AccessMode" {
        #[prost(int32, required, tag = "1")]
        mode: i32,
    }
    DiskSource = "Resource.DiskInfo.Source" {
        #[prost(int32, required, tag = "1")]
        r#type: i32,
        #[prost(message, optional, tag = "2")]
        path: Option<DiskSourcePath>,
        #[prost(message, optional, tag = "3")]
        mount: Option<DiskSourceMount>,
        #[prost(bytes = "vec", optional, tag = "4")]
        id: Option<Vec<u8>>,
        #[prost(message, optional, tag = "5")]
        metadata: Option<Labels>,
        #[prost(bytes = "vec", optional, tag = "6")]
        profile: Option<Vec<u8>>,
        #[prost(bytes = "vec", optional, tag = "7")]
        vendor: Option<Vec<u8>>,
    }
    DiskSourcePath = "Resource.DiskInfo.Source.Path" {
        #[prost(bytes = "vec", optional, tag = "1")]
        root: Option<Vec<u8>>,
    }
    DiskSourceMount = "Resource.DiskInfo.Source.Mount" {
        #[prost(bytes = "vec", optional, tag = "1")]
        root: Option<Vec<u8>>,
    }
    ResourceRevocableInfo = "Resource.RevocableInfo" {
    }
    ResourceSharedInfo = "Resource.SharedInfo" {
    }
}

/// An entry of a map.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SecretEntry {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(crate) key: Option<Vec<u8>>,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Secret>,
}

impl Draw for SecretEntry {
    fn draw(entropy: &mut Entropy) -> Self {
        SecretEntry { key: Draw::draw(entropy), value: Draw::draw(entropy) }
    }
}

/// An entry of a map.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TextEntry {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(crate) key: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(crate) value: Option<Vec<u8>>,
}

impl Draw for TextEntry {
    fn draw(entropy: &mut Entropy) -> Self {
        TextEntry { key: Draw::draw(entropy), value: Draw::draw(entropy) }
    }
}
