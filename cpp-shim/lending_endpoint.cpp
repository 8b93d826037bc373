#include "lending_endpoint.hpp"

#include <string>

#include <process/clock.hpp>
#include <process/dispatch.hpp>
#include <process/future.hpp>

#include "guard.hpp"
#include "views.hpp"

namespace apportion {
namespace {

using process::http::InternalServerError;
using process::http::NotFound;
using process::http::Response;

const char* const HELP =
    "### TL;DR; ###\n"
    "Shows what is lent, by whom and to whom.\n\n"
    "### DESCRIPTION ###\n"
    "Returns 200 OK with a JSON object: the rules in force, what each role has lent and borrowed of its limits, the loans "
    "on agents, what became of launches, agents that have more in use than they have, and frameworks that wait.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may see it.\n";

Response report(const Library& library)
{
  Buffer out(library.entries);
  const int64_t now = process::Clock::now().duration().ns();
  const apportion_status status = library.entries.allocator_lending_report(library.handle, now, out.out());
  if (status == APPORTION_UNCHANGED) return NotFound("nothing is lent");
  return status == APPORTION_DONE ? json(out.text()) : fault(out.text());
}

/** A question on its way to the allocator; answered also when it is thrown away. */
class Question
{
public:
  Question() = default;
  ~Question() { promise_.set(InternalServerError("The allocator is gone")); }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  process::Future<Response> future() const { return promise_.future(); }
  void answer(const Response& response) { promise_.set(response); }

private:
  process::Promise<Response> promise_;
};

process::Future<Response> ask(const process::UPID& allocator, const Library& library)
{
  auto question = std::make_shared<Question>();
  const process::Future<Response> answer = question->future();
  process::dispatch(allocator, [question, &library]() {
    question->answer(guarded("lending", [&]() { return report(library); }, fault));
  });
  return answer;
}

} // namespace {

std::unique_ptr<Endpoint> lendingEndpoint(const process::UPID& allocator, const Library& library)
{
  std::vector<Page> pages = {
      {"/lending", "GET", "readonly", HELP, [allocator, &library]() { return ask(allocator, library); }}};
  return std::make_unique<Endpoint>("allocator", "master", std::move(pages));
}

} // namespace apportion {
