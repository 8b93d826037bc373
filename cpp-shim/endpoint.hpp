// HTTP pages of modules, served below `/apportion`.
#ifndef APPORTION_SHIM_ENDPOINT_HPP
#define APPORTION_SHIM_ENDPOINT_HPP

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <process/future.hpp>
#include <process/http.hpp>

namespace apportion {

/** A page, and who answers for it. */
struct Page
{
  typedef std::function<process::Future<process::http::Response>()> Answer;

  /** Below the actor's name, from the slash on. */
  std::string path;
  /** The only one it takes. */
  std::string method;
  /** Which of the host's two realms guards it: "readonly" or "readwrite". */
  std::string access;
  std::string help;
  /** Called in the actor, for which it must not wait; an exception is answered as a fault. */
  Answer answer;
};

/** 500, with a line in the host's log. */
process::http::Response fault(const std::string& text);

/** A text of the library, as JSON. */
process::http::Response json(const std::string& text);

/**
 * Serves the pages of one module, as long as it lives. The modules of a process share the actor "apportion", so that all
 * pages are below `/apportion`; who has a page that is there already, as a second hook, serves below `/apportion(2)`. The
 * host's calls of a module never wait for a request.
 *
 * All pages are behind the host's own authentication. The host looks for an authenticator by the name of the realm and by
 * nothing else: when there is none, because HTTP authentication is switched off or because this process has no such
 * realm, it calls the handler for everybody. So the realms are those of the host's own endpoints, which are open or
 * guarded together with these, and who does not know whether this is a master or an agent has no endpoint.
 */
class Endpoint
{
public:
  /** `module` is for the log; `side` is "master" or "agent". Without an actor there are no pages, and a line in the log. */
  Endpoint(const std::string& module, const std::string& side, std::vector<Page> pages);
  /** Waits for the answer that is being given, but not for one that is to come; nothing is asked afterwards. */
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

private:
  class Actor;
  struct Actors;
  class Book;

  std::shared_ptr<Book> book_;
  std::shared_ptr<Actor> actor_;
};

} // namespace apportion {

#endif
