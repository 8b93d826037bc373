// Layouts of the few host types that cross a call: declared here, field by
// field, because no Mesos header is used. A result that is not trivially
// copyable is written by the host into memory whose address is passed as an
// explicit first argument; the structs below are that memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

namespace rig {

// Option<std::string>: a 32-bit state (0 is "some", 1 is "none"), then the value.
class OptionString {
public:
  OptionString() = default;
  explicit OptionString(const std::string& text) : state_(0) { new (value_) std::string(text); }
  // The host borrows the value for the call only; the few that are made live as long as the process.
  OptionString(const OptionString&) = delete;
  OptionString& operator=(const OptionString&) = delete;

private:
  std::int32_t state_ = 1;
  alignas(8) unsigned char value_[sizeof(std::string)] = {};
};
static_assert(sizeof(OptionString) == 40);

// Option<T*> and Option<Duration>, none.
struct OptionWord {
  std::int32_t state = 1;
  void* value = nullptr;
};
static_assert(sizeof(OptionWord) == 16);

// Try<T> with `ValueBytes` bytes before the error part. The error part is an
// Option: its state word is 0 when there is an error, and the text follows.
template <std::size_t ValueBytes>
struct TryResult {
  alignas(8) unsigned char value[ValueBytes] = {};
  std::int32_t error_state = 0;
  alignas(8) unsigned char error_text[64] = {};

  // The host's error text, or null when the call succeeded.
  const std::string* error() const
  {
    return error_state == 0 ? reinterpret_cast<const std::string*>(error_text) : nullptr;
  }
};

using TryNothing = TryResult<8>;    // Try<Nothing>
using TryWarnings = TryResult<32>;  // Try<flags::Warnings>

// Try<T*>: the pointer is the second word.
struct TryPointer : TryResult<16> {
  void* pointer() const { return *reinterpret_cast<void* const*>(value + 8); }
};

// Try<process::Owned<T>>: the second word points to what holds the pointer.
struct TryOwned : TryResult<24> {
  void* pointer() const { return **reinterpret_cast<void** const*>(value + 8); }
};

static_assert(offsetof(TryOwned, error_state) == 24 && offsetof(TryOwned, error_text) == 32);
static_assert(offsetof(TryNothing, error_state) == 8 && offsetof(TryNothing, error_text) == 16);
static_assert(offsetof(TryWarnings, error_state) == 32 && offsetof(TryWarnings, error_text) == 40);
static_assert(sizeof(TryPointer) >= 56);

// process::UPID and process::PID<T> take 136 bytes.
struct alignas(8) ProcessId {
  unsigned char bytes[256] = {};
};

// mesos::modules::Module<T>: the manifest a module library exports.
struct ModuleManifest {
  const char* api_version;
  const char* mesos_version;
  const char* kind;
  const char* author;
  const char* email;
  const char* description;
  bool (*compatible)();
  void* (*create)(const void* parameters);
};
static_assert(offsetof(ModuleManifest, kind) == 16 && offsetof(ModuleManifest, create) == 56);

// mesos::Parameters, only ever handed on by address.
struct alignas(8) ModuleParameters {
  unsigned char bytes[48];
};

// Offsets into the flag objects; a fresh object's defaults prove them, see `expect_default`.
namespace offset {
constexpr std::size_t local_work_dir = 8;
constexpr std::size_t local_agents = 40;
constexpr std::size_t logging_level = 16;
constexpr std::size_t agent_isolation = 224;
constexpr std::size_t agent_work_dir = 728;
constexpr std::size_t agent_flags_base = 5016;
constexpr std::size_t launch_name = 8;
constexpr std::size_t launch_base_flags = 40;
constexpr std::size_t launch_flags = 224;
constexpr std::size_t launch_flags_base = 360;
}  // namespace offset

// Room given to each host object. All are more than the sizes measured on the
// published binary (at most 9,376 bytes, the agent).
namespace room {
constexpr std::size_t small = 1024;
constexpr std::size_t flags = 4096;
constexpr std::size_t agent_flags = 16384;
constexpr std::size_t agent = 32768;
}  // namespace room

}  // namespace rig
