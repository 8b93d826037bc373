// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_PROCESS_HPP
#define APPORTION_ABI_PROCESS_PROCESS_HPP

#include <cstddef>
#include <functional>
#include <string>

#include <process/pid.hpp>
#include <stout/duration.hpp>
#include <stout/option.hpp>

namespace process {

template <typename T>
class Future;

namespace http {

struct Request;
struct Response;

namespace authentication {

struct Principal;

} // namespace authentication {
} // namespace http {

struct MessageEvent;
struct DispatchEvent;
struct HttpEvent;
struct ExitedEvent;
struct TerminateEvent;
struct EventVisitor;
struct Event;

/** What an actor can be handed. Slots: two destructors, then one `consume` for each kind of event. */
struct EventConsumer
{
  virtual ~EventConsumer() {}
  virtual void consume(MessageEvent&&) {}
  virtual void consume(DispatchEvent&&) {}
  virtual void consume(HttpEvent&&) {}
  virtual void consume(ExitedEvent&&) {}
  virtual void consume(TerminateEvent&&) {}
};

/** Something in an actor's mailbox. Slots: two destructors, visit, consume. */
struct Event
{
  virtual ~Event() = default;
  virtual void visit(EventVisitor* visitor) const = 0;
  virtual void consume(EventConsumer* consumer) && = 0;
};

/**
 * An actor: one event at a time, on whichever worker thread is free. Its destructor is the key function, so the
 * virtual table and the typeinfo come from the host; everything between the first word and `pid` is private to it.
 */
class ProcessBase : public EventConsumer
{
public:
  explicit ProcessBase(const std::string& id = "");
  ~ProcessBase() override;

  const UPID& self() const { return pid; }

  struct RouteOptions
  {
    RouteOptions() : requestStreaming(false) {}

    bool requestStreaming;
  };

protected:
  typedef std::function<
      Future<http::Response>(const http::Request&, const Option<http::authentication::Principal>&)>
      AuthenticatedHttpRequestHandler;

  /**
   * Serves HTTP requests for /<actor id><name> to whom the realm lets in; called inside the actor, where `handler`
   * runs as well. A realm that no authenticator is set for lets everybody in, without a principal.
   */
  void route(
      const std::string& name,
      const std::string& realm,
      const Option<std::string>& help,
      const AuthenticatedHttpRequestHandler& handler,
      const RouteOptions& options = RouteOptions());

  void consume(MessageEvent&& event) override;
  void consume(DispatchEvent&& event) override;
  void consume(HttpEvent&& event) override;
  void consume(ExitedEvent&& event) override;
  void consume(TerminateEvent&& event) override;

  virtual void serve(Event&& event) { std::move(event).consume(this); }
  virtual void initialize() {}
  virtual void finalize() {}
  virtual void exited(const UPID&) {}
  virtual void lost(const UPID&) {}

private:
  friend struct Layout;

  char private_[280];
  UPID pid;
};

/** Checks what the private members must be. */
struct Layout
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
  static_assert(offsetof(ProcessBase, pid) == 288, "the UPID is the last member");
#pragma GCC diagnostic pop
};

static_assert(sizeof(ProcessBase) == 424, "private part, then the UPID at 288");
static_assert(sizeof(ProcessBase::RouteOptions) == 1, "one switch");

/** Starts an actor. The result has an empty id when the id is already taken. */
UPID spawn(ProcessBase* process, bool manage = false);

/** Asks an actor to end: before what is in its mailbox when `inject`, else after. */
void terminate(const UPID& pid, bool inject = true);

/** Waits for an actor's end; a negative duration waits for ever. False when it was gone already. */
bool wait(const UPID& pid, const Duration& duration = Seconds(-1));

} // namespace process {

#endif
