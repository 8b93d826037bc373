#include "metrics.hpp"

#include <cmath>

#include <process/dispatch.hpp>
#include <process/metrics/metrics.hpp>

#include "guard.hpp"
#include "views.hpp"

namespace apportion {

/** The one message that answers what is waiting; when it is thrown away, everything that waits fails. */
class Round
{
public:
  explicit Round(std::shared_ptr<Questions> questions) : questions_(std::move(questions)) {}
  ~Round()
  {
    // Who asks after the answer has a round of its own.
    if (answered_) return;
    for (const auto& question : questions_->take()) question.second->fail("the allocator is gone");
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  void answer()
  {
    answered_ = true;
    questions_->answer();
  }

private:
  bool answered_ = false;
  const std::shared_ptr<Questions> questions_;
};

process::Future<double> Questions::ask(uint32_t slot)
{
  auto promise = std::make_shared<process::Promise<double>>();
  bool first = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = waiting_.empty();
    waiting_.emplace_back(slot, promise);
  }
  if (first) {
    auto round = std::make_shared<Round>(shared_from_this());
    process::dispatch(actor_, [round]() { round->answer(); });
  }
  return promise->future();
}

std::vector<Questions::Question> Questions::take()
{
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Question> taken;
  taken.swap(waiting_);
  return taken;
}

void Questions::answer()
{
  const std::vector<Question> questions = take();
  std::vector<uint32_t> slots;
  for (const Question& question : questions) slots.push_back(question.first);
  std::vector<double> numbers(slots.size(), std::nan(""));
  const std::string refused = guarded(
      "allocator.read_metrics", [&]() { return answer_(slots, numbers); }, [](const std::string& text) { return text; });
  if (!refused.empty()) APPORTION_LOG(google::GLOG_ERROR, "apportion: " + refused);
  for (size_t i = 0; i < questions.size(); ++i) {
    if (refused.empty() && !std::isnan(numbers[i])) {
      questions[i].second->set(numbers[i]);
    } else {
      questions[i].second->fail(refused.empty() ? "no value yet" : refused);
    }
  }
}

namespace {

/** One metric as the host sees it: the host makes a copy and asks that. */
class Published : public process::metrics::Metric
{
public:
  Published(const std::string& name, uint32_t slot, std::shared_ptr<Questions> questions)
    : Metric(name, None()), slot_(slot), questions_(std::move(questions))
  {}

  process::Future<double> value() const override
  {
    return guarded(
        "metric",
        [this]() { return questions_->ask(slot_); },
        [](const std::string& text) { return process::Future<double>(process::Failure(text)); });
  }

private:
  const uint32_t slot_;
  const std::shared_ptr<Questions> questions_;
};

} // namespace {

PublishedMetrics::~PublishedMetrics()
{
  for (const auto& entry : bySlot_) process::metrics::remove(*entry.second);
}

void PublishedMetrics::follow(const apportion_effects& effects)
{
  for (size_t i = 0; i < effects.metrics_removed_size; ++i) {
    const auto found = bySlot_.find(effects.metrics_removed[i]);
    if (found == bySlot_.end()) continue;
    process::metrics::remove(*found->second);
    bySlot_.erase(found);
  }
  for (size_t i = 0; i < effects.metrics_added_size; ++i) {
    const apportion_metric& added = effects.metrics_added[i];
    std::unique_ptr<Published> metric(new Published(text(added.name), added.slot, questions_));
    process::metrics::add(*metric);
    bySlot_[added.slot] = std::move(metric);
  }
}

} // namespace apportion {
