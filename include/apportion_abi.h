/*
 * The border between the C++ shim and the Rust library: plain data and one table of functions.
 *
 * Three kinds of things: borrowed views (`apportion_bytes` and lists of them), results owned by the library
 * (`apportion_buffer`, and `apportion_effects` of an allocator), and the table `apportion_entries` of functions that
 * the shim calls. Both sides are one process with one privilege; the border exists so that each side can be tested
 * alone and so that neither a C++ exception nor a Rust panic crosses it.
 *
 * Rules
 *  - A borrowed view is valid for the call only. `data` may be null when `size` is 0; null with a size is an error.
 *  - Host text (ids, roles, names) is bytes, not necessarily UTF-8. Messages are serialised Mesos messages.
 *  - "Optional" is a pointer that is null for none.
 *  - Every out parameter is set on every path. An unknown status counts as APPORTION_FAILED.
 *  - Functions of an allocator are called by one thread at a time, those that begin with `commit` by another than the
 *    rest; those of hook, isolator and QoS controller by any number of threads at once.
 *
 * bindgen turns this header into module/bridge/src/abi.rs (`cargo xtask generate`), layout assertions included.
 */
#ifndef APPORTION_ABI_H
#define APPORTION_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. */
typedef enum apportion_status {
  /* Done; a result, if the function has one, is set. */
  APPORTION_DONE = 0,
  /* Done, and there is nothing to change: no result. */
  APPORTION_UNCHANGED = 1,
  /* Not done: the text says why. For hook and isolator: a panic as well. */
  APPORTION_FAILED = 2,
  /* The allocator's books can no longer be trusted: log the text and end the process. */
  APPORTION_FATAL = 3,
  /* Under way: the result comes later, as the function says. */
  APPORTION_PENDING = 4
} apportion_status;

/* What an isolator tells by itself. */
typedef enum apportion_notice {
  /* A container broke a limit and has to end: a serialised ContainerLimitation. */
  APPORTION_LIMITED = 0,
  /* A cleanup that was pending is over: no text, or why it failed. */
  APPORTION_CLEANED_UP = 1
} apportion_notice;

/* Bytes lent for the duration of a call. */
typedef struct apportion_bytes {
  const uint8_t* data;
  size_t size;
} apportion_bytes;

/* Several of them. */
typedef struct apportion_bytes_list {
  const apportion_bytes* data;
  size_t size;
} apportion_bytes_list;

/* Bytes owned by the library, given back with `release`. */
typedef struct apportion_buffer {
  uint8_t* data;
  size_t size;
  size_t capacity;
} apportion_buffer;

/* What one framework holds on one agent; `name` is the one of the two that the context does not give. */
typedef struct apportion_holding {
  apportion_bytes name;
  /* Serialised Resource messages; a shared volume once for each copy. */
  apportion_bytes_list resources;
} apportion_holding;

typedef struct apportion_holdings {
  const apportion_holding* data;
  size_t size;
} apportion_holdings;

/* A number with a resource name. Scalars are doubles at this border, as in Mesos; thousandths inside. */
typedef struct apportion_quantity {
  apportion_bytes name;
  double value;
} apportion_quantity;

typedef struct apportion_quantities {
  const apportion_quantity* data;
  size_t size;
} apportion_quantities;

typedef struct apportion_quota {
  apportion_bytes role;
  apportion_quantities guarantees;
  apportion_quantities limits;
} apportion_quota;

typedef struct apportion_quotas {
  const apportion_quota* data;
  size_t size;
} apportion_quotas;

/* A change of some held resources into others; both sides are serialised Resource messages. */
typedef struct apportion_conversion {
  apportion_bytes_list consumed;
  apportion_bytes_list converted;
} apportion_conversion;

typedef struct apportion_conversions {
  const apportion_conversion* data;
  size_t size;
} apportion_conversions;

/* The agents that a framework's offer constraints exclude from offers in one role. */
typedef struct apportion_excluded_agents {
  apportion_bytes role;
  apportion_bytes_list agents;
} apportion_excluded_agents;

typedef struct apportion_exclusions {
  const apportion_excluded_agents* data;
  size_t size;
} apportion_exclusions;

/* A framework and a role in which its offer constraints exclude the agent that the context gives. */
typedef struct apportion_excluded_from {
  apportion_bytes framework;
  apportion_bytes role;
} apportion_excluded_from;

typedef struct apportion_excluded_from_list {
  const apportion_excluded_from* data;
  size_t size;
} apportion_excluded_from_list;

/* What the master's flags ask of its allocator. Times in nanoseconds. */
typedef struct apportion_options {
  int64_t allocation_interval_ns;
  int64_t recovery_timeout_ns;
  double agent_recovery_factor;
  uint64_t completed_frameworks_max;
  apportion_bytes_list fairness_excluded_resources;
  /* Alternatives, each a conjunction; null when the master gives none. */
  const apportion_quantities* minimum_allocatable;
  size_t minimum_allocatable_size;
  /* Serialised DomainInfo of the master, or null. */
  const apportion_bytes* domain;
  uint8_t filter_gpu_resources;
  uint8_t publish_per_framework_metrics;
} apportion_options;

/* A resource the shim keeps from now on under `slot`, replacing what was there: a serialised Resource message that
 * carries its allocation role. */
typedef struct apportion_item {
  uint32_t slot;
  apportion_bytes resource;
} apportion_item;

/* A set of items the shim keeps from now on under `slot`: what one offer holds. */
typedef struct apportion_bundle {
  uint32_t slot;
  const uint32_t* items;
  size_t items_size;
} apportion_bundle;

/* The name of a framework, a role or an agent that the shim keeps from now on under `slot`, replacing what was there.
 * Each of the three has slots of its own. */
typedef struct apportion_name {
  uint32_t slot;
  apportion_bytes name;
} apportion_name;

/* One agent's resources offered to one framework in one role, all by their slots. Offers to one framework stand
 * together, and within it those of one role. */
typedef struct apportion_offer {
  uint32_t framework;
  uint32_t role;
  uint32_t agent;
  uint32_t bundle;
} apportion_offer;

/* A framework's answer to an inverse offer on an agent; an agent without an answer stands with an empty framework. */
typedef struct apportion_inverse_status {
  apportion_bytes agent;
  apportion_bytes framework;
  /* Serialised InverseOfferStatus. */
  apportion_bytes status;
} apportion_inverse_status;

/* A framework is asked to give back everything on an agent before its maintenance. Those to one framework stand
 * together. */
typedef struct apportion_inverse_offer {
  apportion_bytes framework;
  apportion_bytes agent;
  /* Serialised Unavailability. */
  apportion_bytes unavailability;
} apportion_inverse_offer;

/* A metric the shim publishes from now on, until its slot is removed. No slot is used twice. */
typedef struct apportion_metric {
  uint32_t slot;
  apportion_bytes name;
} apportion_metric;

/* What an allocator event leads to. Owned by the allocator's handle and valid until the next call with it. To be done
 * in this order: names, items, bundles, offers, inverse offers; metrics removed, metrics added. */
typedef struct apportion_effects {
  const apportion_name* frameworks;
  size_t frameworks_size;
  const apportion_name* roles;
  size_t roles_size;
  const apportion_name* agents;
  size_t agents_size;
  const apportion_item* items;
  size_t items_size;
  const apportion_bundle* bundles;
  size_t bundles_size;
  const apportion_offer* offers;
  size_t offers_size;
  const apportion_inverse_offer* inverse_offers;
  size_t inverse_offers_size;
  const apportion_inverse_status* inverse_statuses;
  size_t inverse_statuses_size;
  const uint32_t* metrics_removed;
  size_t metrics_removed_size;
  const apportion_metric* metrics_added;
  size_t metrics_added_size;
  /* Why the call failed, when it did. */
  apportion_bytes text;
  /* 1: queue one `allocator_cycle` behind what the mailbox holds, unless one is queued already. */
  uint8_t cycle_requested;
} apportion_effects;

/* The four kinds of modules. */
typedef enum apportion_module {
  APPORTION_ALLOCATOR = 0,
  APPORTION_HOOK = 1,
  APPORTION_ISOLATOR = 2,
  APPORTION_QOS_CONTROLLER = 3
} apportion_module;

/* Opaque: what `create` made. */
typedef struct apportion_handle apportion_handle;

/* The functions of the library. `size` is sizeof this table, compared by the shim before anything else. */
typedef struct apportion_entries {
  size_t size;

  /* Makes a module from a serialised Parameters message. On failure the handle is null and the text holds every
   * problem found. */
  apportion_status (*create)(
      apportion_module module, apportion_bytes parameters, apportion_handle** handle, apportion_buffer* text);
  /* Ends a module; null is allowed. */
  void (*destroy)(apportion_module module, apportion_handle* handle);
  /* Gives a buffer back; an empty one is allowed. */
  void (*release)(apportion_buffer* buffer);

  /* ---- allocator: `now` is the host's clock in nanoseconds since the Unix epoch ---- */
  /* The metrics that are there from the beginning; before anything else. */
  apportion_status (*allocator_publish_metrics)(apportion_handle* handle, int64_t now, apportion_effects* effects);
  apportion_status (*allocator_initialize)(
      apportion_handle* handle, int64_t now, const apportion_options* options, apportion_effects* effects);
  apportion_status (*allocator_recover)(
      apportion_handle* handle,
      int64_t now,
      int64_t expected_agents,
      apportion_quotas quotas,
      apportion_effects* effects);
  apportion_status (*allocator_add_framework)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes info,
      apportion_holdings used,
      uint8_t active,
      apportion_bytes_list suppressed_roles,
      apportion_exclusions excluded_agents,
      apportion_effects* effects);
  apportion_status (*allocator_remove_framework)(
      apportion_handle* handle, int64_t now, apportion_bytes framework, apportion_effects* effects);
  apportion_status (*allocator_activate_framework)(
      apportion_handle* handle, int64_t now, apportion_bytes framework, apportion_effects* effects);
  apportion_status (*allocator_deactivate_framework)(
      apportion_handle* handle, int64_t now, apportion_bytes framework, apportion_effects* effects);
  apportion_status (*allocator_update_framework)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes info,
      apportion_bytes_list suppressed_roles,
      apportion_exclusions excluded_agents,
      apportion_effects* effects);
  apportion_status (*allocator_add_slave)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes info,
      apportion_bytes_list capabilities,
      const apportion_bytes* unavailability,
      apportion_bytes_list total,
      apportion_holdings used,
      apportion_excluded_from_list excluded_from,
      apportion_effects* effects);
  apportion_status (*allocator_remove_slave)(
      apportion_handle* handle, int64_t now, apportion_bytes agent, apportion_effects* effects);
  apportion_status (*allocator_update_slave)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes info,
      const apportion_bytes_list* total,
      const apportion_bytes_list* capabilities,
      apportion_excluded_from_list excluded_from,
      apportion_effects* effects);
  apportion_status (*allocator_add_resource_provider)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes_list total,
      apportion_holdings used,
      apportion_effects* effects);
  apportion_status (*allocator_activate_slave)(
      apportion_handle* handle, int64_t now, apportion_bytes agent, apportion_effects* effects);
  apportion_status (*allocator_deactivate_slave)(
      apportion_handle* handle, int64_t now, apportion_bytes agent, apportion_effects* effects);
  apportion_status (*allocator_update_whitelist)(
      apportion_handle* handle, int64_t now, const apportion_bytes_list* hostnames, apportion_effects* effects);
  apportion_status (*allocator_request_resources)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes_list requests,
      apportion_effects* effects);
  apportion_status (*allocator_update_allocation)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_bytes_list offered,
      apportion_conversions conversions,
      apportion_effects* effects);
  apportion_status (*allocator_update_available)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes_list operations,
      apportion_effects* effects);
  apportion_status (*allocator_update_unavailability)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      const apportion_bytes* unavailability,
      apportion_effects* effects);
  apportion_status (*allocator_update_inverse_offer)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes framework,
      const apportion_bytes* status,
      const apportion_bytes* filters,
      apportion_effects* effects);
  apportion_status (*allocator_get_inverse_offer_statuses)(
      apportion_handle* handle, int64_t now, apportion_effects* effects);
  /* `framework` is what `allocator_commit_transition` answered for this call; empty when nobody knows. */
  apportion_status (*allocator_transition_offered_to_allocated)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_bytes_list resources,
      apportion_effects* effects);
  apportion_status (*allocator_recover_resources)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_bytes_list resources,
      const apportion_bytes* filters,
      uint8_t allocated,
      apportion_effects* effects);
  apportion_status (*allocator_suppress_offers)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes_list roles,
      apportion_effects* effects);
  apportion_status (*allocator_revive_offers)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes_list roles,
      apportion_effects* effects);
  apportion_status (*allocator_update_quota)(
      apportion_handle* handle, int64_t now, const apportion_quota* quota, apportion_effects* effects);
  apportion_status (*allocator_update_weights)(
      apportion_handle* handle, int64_t now, apportion_bytes_list weights, apportion_effects* effects);
  apportion_status (*allocator_pause)(apportion_handle* handle, int64_t now, apportion_effects* effects);
  apportion_status (*allocator_resume)(apportion_handle* handle, int64_t now, apportion_effects* effects);
  /* The allocation interval has passed. */
  apportion_status (*allocator_tick)(apportion_handle* handle, int64_t now, apportion_effects* effects);
  /* The allocation cycle that an earlier effect asked for. */
  apportion_status (*allocator_cycle)(apportion_handle* handle, int64_t now, apportion_effects* effects);
  /* The numbers of some metrics into `values`, as many as there are slots; NaN where there is none. Changes nothing:
   * FAILED also after a panic. `messages_waiting` is what the actor's mailbox holds. */
  apportion_status (*allocator_read_metrics)(
      apportion_handle* handle,
      uint64_t messages_waiting,
      const uint32_t* slots,
      size_t slots_size,
      double* values,
      apportion_buffer* text);
  /* Suppressed roles and excluded agents of the frameworks named, or of all when null, as a JSON text. Changes
   * nothing: FAILED also after a panic. */
  apportion_status (*allocator_offer_constraints_debug)(
      apportion_handle* handle, const apportion_bytes_list* frameworks, apportion_buffer* json);
  /* The rules of lending in force, who has lent and borrowed what, and what became of launches, as a JSON text. UNCHANGED:
   * nothing is lent. Changes nothing: FAILED also after a panic. */
  apportion_status (*allocator_lending_report)(apportion_handle* handle, int64_t now, apportion_buffer* json);

  /* ---- allocator, what the master's thread tells of a call before it is queued as an event: only so the hook of the
   * same process can turn down launches on lent resources that are gone. One thread at a time, beside the events.
   * FATAL: what is in use is not known any more; log the text and end the process. FAILED: not told, the text says why;
   * the event will say the same. ---- */
  /* DONE: the functions below are to be called. UNCHANGED: nothing is lent, they would do nothing. Asked once, when the
   * allocator is made. */
  apportion_status (*allocator_keeps_commits)(apportion_handle* handle, apportion_buffer* text);
  apportion_status (*allocator_commit_add_slave)(
      apportion_handle* handle,
      apportion_bytes agent,
      apportion_bytes info,
      apportion_bytes_list total,
      apportion_holdings used,
      apportion_buffer* text);
  apportion_status (*allocator_commit_remove_slave)(
      apportion_handle* handle, apportion_bytes agent, apportion_buffer* text);
  apportion_status (*allocator_commit_update_slave)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes info,
      const apportion_bytes_list* total,
      apportion_buffer* text);
  /* The framework whose tasks these resources are for, which the call itself does not name. UNCHANGED: nobody knows. */
  apportion_status (*allocator_commit_transition)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes agent,
      apportion_bytes_list resources,
      apportion_buffer* framework);
  apportion_status (*allocator_commit_recover)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_bytes_list resources,
      uint8_t allocated,
      apportion_buffer* text);
  apportion_status (*allocator_commit_remove_framework)(
      apportion_handle* handle, apportion_bytes framework, apportion_buffer* text);

  /* ---- hook: the buffer holds a serialised message when DONE, a text when FAILED. Of a TaskInfo only the resources
   * count, of an agent's SlaveInfo the resources or the attributes ---- */
  apportion_status (*hook_master_launch_task_label_decorator)(
      apportion_handle* handle,
      apportion_bytes task,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_buffer* labels);
  apportion_status (*hook_master_launch_task_resource_decorator)(
      apportion_handle* handle,
      apportion_bytes task,
      apportion_bytes_list agent_resources,
      apportion_buffer* task_info);
  apportion_status (*hook_slave_run_task_label_decorator)(
      apportion_handle* handle,
      apportion_bytes task,
      apportion_bytes executor,
      apportion_bytes framework,
      apportion_bytes agent,
      apportion_buffer* labels);
  apportion_status (*hook_master_slave_lost_hook)(
      apportion_handle* handle, apportion_bytes agent, apportion_buffer* text);
  apportion_status (*hook_slave_executor_environment_decorator)(
      apportion_handle* handle, apportion_bytes executor, apportion_buffer* environment);
  apportion_status (*hook_slave_pre_launch_docker_task_executor_decorator)(
      apportion_handle* handle,
      const apportion_bytes* task,
      apportion_bytes executor,
      apportion_bytes container_name,
      apportion_bytes sandbox,
      apportion_bytes mapped_sandbox,
      /* NAME=value pairs, or null. */
      const apportion_bytes_list* environment,
      apportion_buffer* prepare_info);
  apportion_status (*hook_slave_post_fetch_hook)(
      apportion_handle* handle, apportion_bytes container, apportion_bytes directory, apportion_buffer* text);
  apportion_status (*hook_slave_remove_executor_hook)(
      apportion_handle* handle, apportion_bytes framework, apportion_bytes executor, apportion_buffer* text);
  apportion_status (*hook_slave_task_status_decorator)(
      apportion_handle* handle, apportion_bytes framework_id, apportion_bytes status, apportion_buffer* task_status);
  apportion_status (*hook_slave_resources_decorator)(
      apportion_handle* handle, apportion_bytes agent, apportion_buffer* agent_info);
  apportion_status (*hook_slave_attributes_decorator)(
      apportion_handle* handle, apportion_bytes agent, apportion_buffer* agent_info);
  /* The kind of process that the hook's HTTP endpoint is served in, "master" or "agent": it names the realm whose
   * authentication guards it. UNCHANGED: it is not served. Asked once, when the hook is made. */
  apportion_status (*hook_endpoint)(apportion_handle* handle, apportion_buffer* side);
  /* What the rules did so far, as a JSON text. */
  apportion_status (*hook_report)(apportion_handle* handle, apportion_buffer* json);
  /* Reads the configuration again. May read files, so never under a lock of the host. DONE: the new rules are in force,
   * as a JSON text says. FAILED: the old ones stay, and the text, of one line or several, says why. */
  apportion_status (*hook_reload)(apportion_handle* handle, apportion_buffer* json);

  /* ---- isolator: a FAILED text becomes that container's failed future ---- */
  apportion_status (*isolator_supports_nesting)(apportion_handle* handle, uint8_t* answer, apportion_buffer* text);
  apportion_status (*isolator_supports_standalone)(apportion_handle* handle, uint8_t* answer, apportion_buffer* text);
  /* Names who is told, once, before containers are. `listener` is called on any thread, also inside of other functions
   * of the isolator, until `destroy` returns; it must not throw. The views are lent for its call. */
  apportion_status (*isolator_listen)(
      apportion_handle* handle,
      void* context,
      void (*listener)(void* context, apportion_notice notice, apportion_bytes container, apportion_bytes message),
      apportion_buffer* text);
  /* Names of its metrics, one in each line: the number of the line, from 0, is the slot. UNCHANGED: it has none. */
  apportion_status (*isolator_metrics)(apportion_handle* handle, apportion_buffer* names);
  /* The number in a slot, not a number if there is none now. */
  apportion_status (*isolator_metric)(
      apportion_handle* handle, uint32_t slot, double* value, apportion_buffer* text);
  /* What is known of each container, as a JSON text. Reads files of every group, so never under a lock of the host. */
  apportion_status (*isolator_report)(apportion_handle* handle, apportion_buffer* json);
  apportion_status (*isolator_recover)(
      apportion_handle* handle, apportion_bytes_list states, apportion_bytes_list orphans, apportion_buffer* text);
  apportion_status (*isolator_prepare)(
      apportion_handle* handle, apportion_bytes container, apportion_bytes config, apportion_buffer* launch_info);
  apportion_status (*isolator_isolate)(
      apportion_handle* handle, apportion_bytes container, int64_t pid, apportion_buffer* text);
  /* DONE: the shim keeps a future for the container until cleanup, or until it is told that it is LIMITED. */
  apportion_status (*isolator_watch)(apportion_handle* handle, apportion_bytes container, apportion_buffer* text);
  apportion_status (*isolator_update)(
      apportion_handle* handle,
      apportion_bytes container,
      apportion_bytes_list requests,
      apportion_quantities limits,
      apportion_buffer* text);
  apportion_status (*isolator_usage)(
      apportion_handle* handle, apportion_bytes container, int64_t now, apportion_buffer* statistics);
  apportion_status (*isolator_status)(
      apportion_handle* handle, apportion_bytes container, apportion_buffer* container_status);
  /* PENDING: processes do not end, and CLEANED_UP tells how it ends. */
  apportion_status (*isolator_cleanup)(apportion_handle* handle, apportion_bytes container, apportion_buffer* text);

  /* ---- QoS controller ---- */
  /* Names who is woken when somebody may have to end, once, before `initialize`. `woken` is called on any thread, also
   * inside of functions of the isolator, until `destroy` returns; it must not throw, wait or call the library. */
  apportion_status (*qos_controller_listen)(
      apportion_handle* handle, void* context, void (*woken)(void* context), apportion_buffer* text);
  /* The agent is ready to be asked what runs on it. UNCHANGED: it need not be asked, as nothing is lent of it. */
  apportion_status (*qos_controller_initialize)(apportion_handle* handle, apportion_buffer* text);
  /* Whom to end, now that this runs on the agent: a serialised ResourceUsage. UNCHANGED: nobody. DONE: serialised
   * QoSCorrections, each behind its size in four bytes, the lowest first. `look_again`, always above 0 and set on every
   * path, is the time in nanoseconds after which to look again even if nobody is woken. */
  apportion_status (*qos_controller_corrections)(
      apportion_handle* handle,
      int64_t now,
      apportion_bytes usage,
      int64_t* look_again,
      apportion_buffer* corrections);
  /* What runs on the agent could not be found out; `look_again` as above. */
  apportion_status (*qos_controller_usage_failed)(
      apportion_handle* handle, int64_t now, apportion_bytes reason, int64_t* look_again, apportion_buffer* text);
  /* Names of its metrics, and the numbers in their slots, as for the isolator. */
  apportion_status (*qos_controller_metrics)(apportion_handle* handle, apportion_buffer* names);
  apportion_status (*qos_controller_metric)(
      apportion_handle* handle, uint32_t slot, double* value, apportion_buffer* text);
  /* Who is under notice, who was ended, and what for, as a JSON text. */
  apportion_status (*qos_controller_report)(apportion_handle* handle, apportion_buffer* json);
} apportion_entries;

/* The makers of the shim, called by the factories in the manifests. `parameters` is a mesos::Parameters, the result a
 * module object of the kind named, or null after one block in the host's log that says why. */
void* apportion_make_allocator(const void* parameters, const apportion_entries* entries);
void* apportion_make_hook(const void* parameters, const apportion_entries* entries);
void* apportion_make_isolator(const void* parameters, const apportion_entries* entries);
void* apportion_make_qos_controller(const void* parameters, const apportion_entries* entries);

#ifdef __cplusplus
}
#endif

#endif
