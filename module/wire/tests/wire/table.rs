//! Field numbers and wire kinds of the Mesos 1.11 messages that the crate or its tests declare.
//!
//! One row per message: its fields as `name=number` and `V` (varint), `D` (double) or `B` (length-delimited).

/// The rows; messages without the `mesos.` prefix.
pub(crate) const FIELDS: &[(&str, &str)] = &[
    ("Attribute", "name=1B type=2V scalar=3B ranges=4B set=6B text=5B"),
    ("CapabilityInfo", "capabilities=1V"),
    ("CgroupInfo", "net_cls=1B"),
    ("CgroupInfo.Blkio.Statistics", "cfq=1B cfq_recursive=2B throttling=3B"),
    ("CgroupInfo.Blkio.Throttling.Statistics", "device=1B io_serviced=2B io_service_bytes=3B"),
    ("CgroupInfo.Blkio.Value", "op=1V value=2V"),
    ("CgroupInfo.NetCls", "classid=1V"),
    ("Device.Number", "major_number=1V minor_number=2V"),
    ("CommandInfo", "uris=1B environment=2B shell=6V value=3B arguments=7B user=5B"),
    ("ContainerID", "value=1B parent=2B"),
    (
        "ContainerInfo",
        "type=1V volumes=2B hostname=4B docker=3B mesos=5B network_infos=7B linux_info=8B \
         rlimit_info=9B tty_info=10B",
    ),
    (
        "ContainerInfo.DockerInfo",
        "image=1B network=2V port_mappings=3B privileged=4V parameters=5B force_pull_image=6V \
         volume_driver=7B",
    ),
    ("ContainerInfo.MesosInfo", "image=1B"),
    ("ContainerStatus", "container_id=4B network_infos=1B cgroup_info=2B executor_pid=3V"),
    ("Credential", "principal=1B secret=2B"),
    ("DomainInfo", "fault_domain=1B"),
    ("DomainInfo.FaultDomain", "region=1B zone=2B"),
    ("DomainInfo.FaultDomain.ZoneInfo", "name=1B"),
    ("DurationInfo", "nanoseconds=1V"),
    ("Environment", "variables=1B"),
    ("Environment.Variable", "name=1B type=3V value=2B secret=4B"),
    ("ExecutorID", "value=1B"),
    (
        "ExecutorInfo",
        "type=15V executor_id=1B framework_id=8B command=7B container=11B resources=5B name=9B \
         source=10B data=4B discovery=12B shutdown_grace_period=13B labels=14B",
    ),
    ("Filters", "refuse_seconds=1D"),
    ("FrameworkID", "value=1B"),
    (
        "FrameworkInfo",
        "user=1B name=2B id=3B failover_timeout=4D checkpoint=5V role=6B roles=12B hostname=7B \
         principal=8B webui_url=9B capabilities=10B labels=11B offer_filters=13B",
    ),
    ("FrameworkInfo.Capability", "type=1V"),
    ("Image", "type=1V appc=2B docker=3B cached=4V"),
    ("Image.Appc", "name=1B id=2B labels=3B"),
    ("Image.Docker", "name=1B credential=2B config=3B"),
    ("Label", "key=1B value=2B"),
    ("Labels", "labels=1B"),
    (
        "LinuxInfo",
        "capability_info=1B bounding_capabilities=2B effective_capabilities=3B share_pid_namespace=4V \
         seccomp=5B ipc_mode=6V shm_size=7V share_cgroups=8V",
    ),
    ("MountPropagation", "mode=1V"),
    ("OfferFilters", "min_allocatable_resources=1B"),
    ("OfferFilters.MinAllocatableResources", "quantities=1B"),
    ("OfferFilters.ResourceQuantities", "quantities=1B"),
    ("OperationID", "value=1B"),
    ("Parameter", "key=1B value=2B"),
    ("Parameters", "parameter=1B"),
    ("RLimitInfo", "rlimits=1B"),
    ("RLimitInfo.RLimit", "type=1V hard=2V soft=3V"),
    (
        "Resource",
        "provider_id=12B name=1B type=2V scalar=3B ranges=4B set=5B role=6B allocation_info=11B \
         reservation=8B reservations=13B disk=7B revocable=9B shared=10B",
    ),
    ("Resource.AllocationInfo", "role=1B"),
    ("Resource.DiskInfo", "persistence=1B volume=2B source=3B"),
    ("Resource.DiskInfo.Persistence", "id=1B principal=2B"),
    ("Resource.DiskInfo.Source", "type=1V path=2B mount=3B vendor=7B id=4B metadata=5B profile=6B"),
    ("Resource.DiskInfo.Source.Mount", "root=1B"),
    ("Resource.DiskInfo.Source.Path", "root=1B"),
    ("Resource.ReservationInfo", "type=4V role=3B principal=1B labels=2B"),
    ("Resource.RevocableInfo", ""),
    ("Resource.SharedInfo", ""),
    ("ResourceProviderID", "value=1B"),
    (
        "ResourceStatistics",
        "timestamp=1D processes=30V threads=31V cpus_user_time_secs=2D cpus_system_time_secs=3D \
         cpus_limit=4D cpus_soft_limit=45D cpus_nr_periods=7V cpus_nr_throttled=8V \
         cpus_throttled_time_secs=9D mem_total_bytes=36V mem_total_memsw_bytes=37V mem_limit_bytes=6V \
         mem_soft_limit_bytes=38V mem_file_bytes=10V mem_anon_bytes=11V mem_cache_bytes=39V \
         mem_rss_bytes=5V mem_mapped_file_bytes=12V mem_swap_bytes=40V mem_unevictable_bytes=41V \
         mem_low_pressure_counter=32V mem_medium_pressure_counter=33V \
         mem_critical_pressure_counter=34V disk_limit_bytes=26V disk_used_bytes=27V \
         disk_statistics=43B blkio_statistics=44B perf=13B net_rx_packets=14V net_rx_bytes=15V \
         net_rx_errors=16V net_rx_dropped=17V net_tx_packets=18V net_tx_bytes=19V net_tx_errors=20V \
         net_tx_dropped=21V net_tcp_rtt_microsecs_p50=22D net_tcp_rtt_microsecs_p90=23D \
         net_tcp_rtt_microsecs_p95=24D net_tcp_rtt_microsecs_p99=25D net_tcp_active_connections=28D \
         net_tcp_time_wait_connections=29D net_traffic_control_statistics=35B net_snmp_statistics=42B",
    ),
    ("ResourceUsage", "executors=1B total=2B"),
    ("ResourceUsage.Executor", "executor_info=1B allocated=2B statistics=3B container_id=4B tasks=5B"),
    ("ResourceUsage.Executor.Task", "name=1B id=2B resources=3B labels=4B"),
    ("Secret", "type=1V reference=2B value=3B"),
    ("Secret.Reference", "name=1B key=2B"),
    ("Secret.Value", "data=1B"),
    ("SlaveID", "value=1B"),
    ("SlaveInfo", "hostname=1B port=8V resources=3B attributes=5B id=6B domain=10B checkpoint=7V"),
    ("TaskID", "value=1B"),
    (
        "TaskInfo",
        "name=1B task_id=2B slave_id=3B resources=4B executor=5B command=7B container=9B \
         health_check=8B check=13B kill_policy=12B data=6B labels=10B discovery=11B \
         max_completion_time=14B limits=15B",
    ),
    (
        "TaskStatus",
        "task_id=1B state=2V message=4B source=9V reason=10V data=3B slave_id=5B executor_id=7B \
         timestamp=6D uuid=11B healthy=8V check_status=15B labels=12B container_status=13B \
         unreachable_time=14B limitation=16B",
    ),
    ("TimeInfo", "nanoseconds=1V"),
    ("Unavailability", "start=1B duration=2B"),
    ("Value.Range", "begin=1V end=2V"),
    ("Value.Ranges", "range=1B"),
    ("Value.Scalar", "value=1D"),
    ("Value.Set", "item=1B"),
    ("Value.Text", "value=1B"),
    ("Volume", "mode=3V container_path=1B host_path=2B image=4B source=5B"),
    ("Volume.Source", "type=1V docker_volume=2B host_path=5B sandbox_path=3B secret=4B csi_volume=6B"),
    ("Volume.Source.CSIVolume", "plugin_name=1B static_provisioning=2B"),
    (
        "Volume.Source.CSIVolume.StaticProvisioning",
        "volume_id=1B volume_capability=2B node_stage_secrets=3B node_publish_secrets=4B \
         volume_context=5B",
    ),
    ("Volume.Source.CSIVolume.VolumeCapability", "block=1B mount=2B access_mode=3B"),
    ("Volume.Source.CSIVolume.VolumeCapability.AccessMode", "mode=1V"),
    ("Volume.Source.CSIVolume.VolumeCapability.BlockVolume", ""),
    ("Volume.Source.CSIVolume.VolumeCapability.MountVolume", "fs_type=1B mount_flags=2B"),
    ("Volume.Source.DockerVolume", "driver=1B name=2B driver_options=3B"),
    ("Volume.Source.HostPath", "path=1B mount_propagation=2B"),
    ("Volume.Source.SandboxPath", "type=1V path=2B"),
    ("WeightInfo", "weight=1D role=2B"),
    ("allocator.InverseOfferStatus", "status=1V framework_id=2B timestamp=3B"),
    ("quota.QuotaConfig", "role=1B guarantees=2B limits=3B"),
    ("quota.QuotaInfo", "role=1B principal=2B guarantee=3B"),
    ("quota.QuotaRequest", "force=1V role=2B guarantee=3B"),
    ("seccomp.ContainerSeccompProfile", "default_action=1V architectures=2V syscalls=3B"),
    ("seccomp.ContainerSeccompProfile.Syscall", "names=1B action=2V args=3B includes=4B excludes=5B"),
    ("seccomp.ContainerSeccompProfile.Syscall.Arg", "index=1V op=2V value=3V value_two=4V"),
    (
        "slave.ContainerConfig",
        "executor_info=8B task_info=9B command_info=11B container_info=12B resources=13B limits=16B \
         container_class=14V directory=3B ephemeral_volumes=15B user=4B rootfs=5B docker=7B appc=10B",
    ),
    (
        "slave.ContainerLaunchInfo",
        "pre_exec_commands=1B environment=2B rootfs=3B enter_namespaces=9V clone_namespaces=4V \
         user=10B supplementary_groups=19V command=5B working_directory=6B mounts=17B \
         masked_paths=21B file_operations=22B seccomp_profile=18B effective_capabilities=7B \
         bounding_capabilities=16B rlimits=8B tty_slave_path=14B task_environment=15B \
         task_supplementary_groups=20V no_new_privileges=23V",
    ),
    ("slave.ContainerLimitation", "resources=1B message=2B reason=3V"),
    ("slave.ContainerMountInfo", "target=1B source=2B type=3B flags=4V options=5B"),
    (
        "slave.ContainerState",
        "executor_info=1B container_info=6B container_id=2B pid=3V directory=4B ephemeral_volumes=5B",
    ),
    ("slave.ContainerTermination", "status=3V state=4V reason=5V message=2B limited_resources=6B"),
    ("slave.QoSCorrection", "type=1V kill=2B"),
    ("slave.QoSCorrection.Kill", "framework_id=1B executor_id=2B container_id=3B"),
];
