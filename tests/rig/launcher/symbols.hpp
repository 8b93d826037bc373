// Mangled names of the host functions and statics the launcher uses. Names in
// Mesos' own words ("slave" for an agent) appear here only.
#pragma once

#define RIG_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"

namespace rig::symbol {

// Start-up.
constexpr char logging_flags[] = "_ZN5mesos8internal7logging5FlagsC1Ev";
constexpr char logging_initialize[] =
    "_ZN5mesos8internal7logging10initializeERK" RIG_STRING "bRK6OptionINS1_5FlagsEE";
constexpr char process_initialize[] = "_ZN7process10initializeERK6OptionI" RIG_STRING "ES9_S9_";
constexpr char version_process[] = "_ZN5mesos8internal14VersionProcessC1Ev";
constexpr char spawn_version[] =
    "_ZN7process5spawnIN5mesos8internal14VersionProcessEEENS_3PIDIT_EEPS5_b";
constexpr char spawn[] = "_ZN7process5spawnEPNS_11ProcessBaseEb";

// Modules.
constexpr char load_modules[] = "_ZN5mesos7modules13ModuleManager4loadERK" RIG_STRING;
constexpr char module_bases[] = "_ZN5mesos7modules13ModuleManager11moduleBasesB5cxx11E";
constexpr char module_parameters[] = "_ZN5mesos7modules13ModuleManager16moduleParametersB5cxx11E";
constexpr char initialize_hooks[] = "_ZN5mesos8internal11HookManager10initializeERK" RIG_STRING;

// Master with agents in one process.
constexpr char local_flags[] = "_ZN5mesos8internal5local5FlagsC1Ev";
constexpr char local_launch[] =
    "_ZN5mesos8internal5local6launchERKNS1_5FlagsEPNS_9allocator9AllocatorE";
constexpr char local_shutdown[] = "_ZN5mesos8internal5local8shutdownEv";

// One agent.
constexpr char agent_flags[] = "_ZN5mesos8internal5slave5FlagsC1Ev";
constexpr char load_flags[] = "_ZN5flags9FlagsBase4loadERK6OptionI" RIG_STRING "EiPKPKcbb";
constexpr char fetcher[] = "_ZN5mesos8internal5slave7FetcherC1ERKNS1_5FlagsE";
constexpr char garbage_collector[] = "_ZN5mesos8internal5slave16GarbageCollectorC1ERK" RIG_STRING;
constexpr char secret_resolver[] = "_ZN5mesos14SecretResolver6createERK6OptionI" RIG_STRING "E";
constexpr char containerizer[] =
    "_ZN5mesos8internal5slave13Containerizer6createERKNS1_5FlagsEbPNS1_7FetcherE"
    "PNS1_16GarbageCollectorEPNS_14SecretResolverEPNS1_16VolumeGidManagerE"
    "PNS0_20PendingFutureTrackerEPNS1_9CSIServerE";
constexpr char master_detector[] =
    "_ZN5mesos6master8detector14MasterDetector6createERK6OptionI" RIG_STRING "ESC_RKS3_I8DurationE";
constexpr char detector_appoint[] =
    "_ZN5mesos6master8detector24StandaloneMasterDetector7appointERKN7process4UPIDE";
constexpr char process_id[] = "_ZN7process4UPIDC1ERK" RIG_STRING;
constexpr char files[] = "_ZN5mesos8internal5FilesC1ERK6OptionI" RIG_STRING "ERKS2_IPNS_10AuthorizerEE";
constexpr char status_update_manager[] =
    "_ZN5mesos8internal5slave23TaskStatusUpdateManagerC1ERKNS1_5FlagsE";
constexpr char resource_estimator[] =
    "_ZN5mesos5slave17ResourceEstimator6createERK6OptionI" RIG_STRING "E";
constexpr char qos_controller[] = "_ZN5mesos5slave13QoSController6createERK6OptionI" RIG_STRING "E";
constexpr char agent[] =
    "_ZN5mesos8internal5slave5SlaveC1ERK" RIG_STRING
    "RKNS1_5FlagsEPNS_6master8detector14MasterDetectorEPNS1_13ContainerizerEPNS0_5FilesE"
    "PNS1_16GarbageCollectorEPNS1_23TaskStatusUpdateManagerEPNS_5slave17ResourceEstimatorE"
    "PNSQ_13QoSControllerEPNS_15SecretGeneratorEPNS1_16VolumeGidManagerE"
    "PNS0_20PendingFutureTrackerEON7process5OwnedINS1_9CSIServerEEE"
    "RK6OptionINS11_7network8internal6SocketINS17_4unix7AddressEEEERKS16_IPNS_10AuthorizerEE";

// mesos-containerizer.
constexpr char launch_vtable[] = "_ZTVN5mesos8internal5slave24MesosContainerizerLaunchE";
constexpr char flags_base[] = "_ZN5flags9FlagsBaseC1Ev";
constexpr char launch_flags[] = "_ZN5mesos8internal5slave24MesosContainerizerLaunch5FlagsC1Ev";
constexpr char launch_execute[] = "_ZN5mesos8internal5slave24MesosContainerizerLaunch7executeEv";

// mesos-io-switchboard.
constexpr char switchboard_create[] =
    "_ZN5mesos8internal5slave19IOSwitchboardServer6createEbiiiiiRK" RIG_STRING "b6OptionI8DurationE";
constexpr char switchboard_run[] = "_ZN5mesos8internal5slave19IOSwitchboardServer3runEv";
constexpr char await_nothing[] = "_ZNK7process6FutureI7NothingE5awaitERK8Duration";

}  // namespace rig::symbol
