#pragma once

#include <regolo/export.hpp>
#include <regolo/message.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace regolo::inline v0 {

/** A file to be sent with a request: from memory, from disk, or from a source that gives it piece by piece.

    Only what is in memory anyway is held there as a whole. Each attempt of a call sends the content from its beginning, so
    that a source is a function that begins anew each time it is called; one that cannot is `one_shot`: its call goes over
    a connection of its own and is never repeated once the source has been opened.

    @par Example
    @code
    regolo::transcription_request request("faster-whisper-large-v3", regolo::upload::file("talk.mp3"));
    auto transcript = co_await client.transcribe(request);
    @endcode

    @par Executor  sources run on the client's executor, one at a time per call, and only when the server takes more;
                   files are read there, 64 KiB at a time, without a thread of their own. While a source is waited for,
                   `time_limits::send` does not run: only `time_limits::total` and `stop` bound one that is stuck
    @par Errors    what a source throws is `errc::upload_failed`, with its words; so is a file that cannot be read, and
                   a source that gives another number of bytes than it announced
    @par Cancellation  a source that waits is cancelled with its call, and when the server answers before it has
                       everything
*/
class REGOLO_EXPORT upload
{
public:
    /// Gives the content piece by piece; an empty piece ends it.
    using reader = std::function<boost::asio::awaitable<std::string>()>;
    /// Begins the content anew.
    using opener = std::function<reader()>;

    /// Nothing: a request with it is `errc::invalid_request`.
    upload() noexcept;

    /// @param file_name  what the server is told; its ending tells many of them the format
    [[nodiscard]] static upload bytes(std::string content, std::string_view file_name);
    /// A file on disk, which is told by its own name.
    [[nodiscard]] static upload file(const std::filesystem::path& path);
    /// @param size  in bytes, where it is known; without it the request goes out in chunks, which not every server takes
    [[nodiscard]] static upload source(opener open, std::string_view file_name,
                                       std::optional<std::uint64_t> size = std::nullopt);
    [[nodiscard]] static upload one_shot(reader read, std::string_view file_name,
                                         std::optional<std::uint64_t> size = std::nullopt);

    std::string file_name;
    /// Such as "audio/mpeg". Empty: by the ending of the name, else "application/octet-stream".
    std::string content_type;

    [[nodiscard]] bool empty() const noexcept { return content_ == nullptr; }

    class content;
    [[nodiscard]] const std::shared_ptr<const content>& internal() const noexcept
    {
        return content_;
    }

private:
    upload(std::shared_ptr<const content> what, std::string_view name);

    std::shared_ptr<const content> content_;
};

/** A picture on disk as a part of a message. The file is read at once.

    @param media_type  such as "image/bmp"; empty: as its first bytes tell
    @throws error      `errc::upload_failed` where it cannot be read, `errc::invalid_request` where they tell none
*/
[[nodiscard]] REGOLO_EXPORT content_part image_file(const std::filesystem::path& path,
                                                    std::string_view media_type = {});

}  // namespace regolo::inline v0
