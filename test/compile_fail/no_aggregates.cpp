// The types that a user may build inside a co_await expression. g++ 12 frees a temporary aggregate
// there twice, unless it is trivially destructible; a type with a constructor is safe.

#include <regolo.hpp>

#include <type_traits>

namespace {

template <class T>
constexpr bool is_safe_in_co_await = !std::is_aggregate_v<T> || std::is_trivially_destructible_v<T>;

template <class... Ts>
constexpr bool all_safe = (is_safe_in_co_await<Ts> && ...);

// What operations take, and what those are made of.
static_assert(all_safe<regolo::chat_request, regolo::completion_request, regolo::api_request,
                       regolo::embedding_request, regolo::image_request, regolo::rerank_request,
                       regolo::token_count_request, regolo::date_range>);
static_assert(all_safe<regolo::chat_message, regolo::content_part, regolo::tool_call, regolo::tool,
                       regolo::tool_choice, regolo::response_format, regolo::echo_options>);
static_assert(all_safe<regolo::call_options, regolo::client_config, regolo::credential,
                       regolo::header, regolo::tls_options, regolo::time_limits,
                       regolo::retry_policy, regolo::pool_options, regolo::limits>);

// co_spawn with use_future and the like make a result before they have one.
static_assert(std::is_default_constructible_v<regolo::chat_response>);
static_assert(std::is_default_constructible_v<regolo::completion_response>);
static_assert(std::is_default_constructible_v<regolo::model_list>);
static_assert(std::is_default_constructible_v<regolo::api_response>);
static_assert(std::is_default_constructible_v<regolo::embedding_response>);
static_assert(std::is_default_constructible_v<regolo::image_response>);
static_assert(std::is_default_constructible_v<regolo::rerank_response>);

// A handle is moved and never copied.
static_assert(!std::is_copy_constructible_v<regolo::client>);
static_assert(std::is_nothrow_move_constructible_v<regolo::client>);
static_assert(!std::is_copy_constructible_v<regolo::chat_stream>);
static_assert(std::is_nothrow_move_constructible_v<regolo::chat_stream>);

}  // namespace
