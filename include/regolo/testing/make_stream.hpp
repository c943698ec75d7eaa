#pragma once

#include <regolo/chat.hpp>
#include <regolo/completion.hpp>
#include <regolo/error.hpp>
#include <regolo/stream.hpp>
#include <regolo/stream_end.hpp>

#include <string_view>
#include <vector>

namespace regolo::inline v0::testing {

/** A stream of given chunks, without a socket and without waiting, for tests of code that consumes one.

    @code
    auto stream = regolo::testing::make_stream({regolo::testing::make_chunk("Hello "),
                                                regolo::testing::make_chunk("Rome", "stop")});
    EXPECT_EQ(run(count_words(std::move(stream))), 2);
    @endcode

    The chunks take the way through JSON, as those of a server. `end` says what follows the last one: `done` a `[DONE]`,
    `finished` the end of the body, which without a finish reason is the error that it would be, `truncated`.
    For other ends there are errors: `std::invalid_argument` otherwise.
*/
[[nodiscard]] REGOLO_EXPORT chat_stream make_stream(const std::vector<chat_chunk>& chunks,
                                                    stream_end end = stream_end::done);
[[nodiscard]] REGOLO_EXPORT completion_stream
make_stream(const std::vector<completion_chunk>& chunks, stream_end end = stream_end::done);

/// The same, ending with that error.
[[nodiscard]] REGOLO_EXPORT chat_stream make_stream(const std::vector<chat_chunk>& chunks,
                                                    error_info failure);
[[nodiscard]] REGOLO_EXPORT completion_stream
make_stream(const std::vector<completion_chunk>& chunks, error_info failure);

/// A chunk that adds text to choice 0 and, with a finish reason, ends it.
[[nodiscard]] REGOLO_EXPORT chat_chunk make_chunk(std::string_view text,
                                                  std::string_view finish_reason = {});

}  // namespace regolo::inline v0::testing
