#include "core/image_type.hpp"
#include "refuse.hpp"
#include "upload_content.hpp"

#include <regolo/error.hpp>

#include <boost/asio/error.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <fstream>
#include <new>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

namespace regolo::inline v0 {

namespace asio = boost::asio;

namespace {

constexpr std::size_t file_piece = std::size_t{64} * 1024;

[[noreturn]] void throw_upload_failed(std::string message)
{
    error_info info;
    info.code = errc::upload_failed;
    info.message = std::move(message);
    throw error(std::move(info));
}

[[noreturn]] void throw_file_failed(const std::filesystem::path& path, std::error_code why)
{
    throw_upload_failed("the file to upload cannot be read: " + path.string() + ": " +
                        (why ? why.message() : "read error"));
}

// ---- memory

class memory_source final : public net::body_source
{
public:
    explicit memory_source(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}

    asio::awaitable<std::string_view> read() override
    {
        co_return std::exchange(given_, true) ? std::string_view() : std::string_view(*bytes_);
    }

private:
    std::shared_ptr<const std::string> bytes_;
    bool given_ = false;
};

class memory_content final : public upload::content
{
public:
    explicit memory_content(std::string bytes)
        : bytes_(std::make_shared<const std::string>(std::move(bytes)))
    {}

    std::optional<std::uint64_t> size() const override { return bytes_->size(); }
    std::unique_ptr<net::body_source> open() const override
    {
        return std::make_unique<memory_source>(bytes_);
    }

private:
    std::shared_ptr<const std::string> bytes_;
};

// ---- disk

class file_source final : public net::body_source
{
public:
    explicit file_source(std::filesystem::path path) : path_(std::move(path)), piece_(file_piece)
    {
        errno = 0;
        file_.open(path_, std::ios::binary);
        if (!file_)
            throw_file_failed(path_, last_error());
    }

    asio::awaitable<std::string_view> read() override
    {
        errno = 0;
        file_.read(piece_.data(), static_cast<std::streamsize>(piece_.size()));
        if (file_.bad())
            throw_file_failed(path_, last_error());
        co_return std::string_view(piece_.data(), static_cast<std::size_t>(file_.gcount()));
    }

private:
    static std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

    std::filesystem::path path_;
    std::ifstream file_;
    std::vector<char> piece_;
};

class file_content final : public upload::content
{
public:
    explicit file_content(std::filesystem::path path) : path_(std::move(path)) {}

    std::optional<std::uint64_t> size() const override
    {
        std::error_code ec;
        if (std::filesystem::is_directory(path_, ec))
            throw_file_failed(path_, std::make_error_code(std::errc::is_a_directory));
        // What is no regular file, such as a pipe, has no size.
        if (!ec && std::filesystem::exists(path_, ec) && !std::filesystem::is_regular_file(path_))
            return std::nullopt;
        const auto bytes = std::filesystem::file_size(path_, ec);
        if (ec)
            throw_file_failed(path_, ec);
        return bytes;
    }
    std::unique_ptr<net::body_source> open() const override
    {
        return std::make_unique<file_source>(path_);
    }

private:
    std::filesystem::path path_;
};

// ---- the caller's own

[[noreturn]] void rethrow_as_upload_failed(std::exception_ptr failure)
{
    try
    {
        std::rethrow_exception(std::move(failure));
    }
    catch (const std::bad_alloc&)
    {
        throw;
    }
    catch (const boost::system::system_error& known)
    {
        if (known.code() == asio::error::operation_aborted)
            throw;
        throw_upload_failed(std::string("the source of the upload failed: ") + known.what());
    }
    catch (const std::exception& other)
    {
        throw_upload_failed(std::string("the source of the upload failed: ") + other.what());
    }
    catch (...)
    {
        throw_upload_failed("the source of the upload failed");
    }
}

class reader_source final : public net::body_source
{
public:
    explicit reader_source(upload::reader read) : read_(std::move(read)) {}

    asio::awaitable<std::string_view> read() override
    {
        std::exception_ptr failure;
        try
        {
            piece_ = co_await read_();
        }
        catch (...)
        {
            failure = std::current_exception();
        }
        if (failure)
            rethrow_as_upload_failed(std::move(failure));
        co_return piece_;
    }

private:
    upload::reader read_;
    std::string piece_;
};

class opener_content final : public upload::content
{
public:
    opener_content(upload::opener open, std::optional<std::uint64_t> size)
        : open_(std::move(open)), size_(size)
    {}

    std::optional<std::uint64_t> size() const override { return size_; }
    std::unique_ptr<net::body_source> open() const override
    {
        try
        {
            return std::make_unique<reader_source>(open_());
        }
        catch (...)
        {
            rethrow_as_upload_failed(std::current_exception());
        }
    }

private:
    upload::opener open_;
    std::optional<std::uint64_t> size_;
};

class one_shot_content final : public upload::content
{
public:
    one_shot_content(upload::reader read, std::optional<std::uint64_t> size)
        : read_(std::move(read)), size_(size)
    {}

    std::optional<std::uint64_t> size() const override { return size_; }
    std::unique_ptr<net::body_source> open() const override
    {
        if (used_.exchange(true))
            throw_upload_failed("the one-shot source of the upload was used before");
        return std::make_unique<reader_source>(read_);
    }
    bool is_one_shot() const noexcept override { return true; }

private:
    upload::reader read_;
    std::optional<std::uint64_t> size_;
    mutable std::atomic<bool> used_{false};
};

}  // namespace

upload::upload() noexcept = default;

upload::upload(std::shared_ptr<const content> what, std::string_view name)
    : file_name(name), content_(std::move(what))
{}

upload upload::bytes(std::string content, std::string_view file_name)
{
    return {std::make_shared<memory_content>(std::move(content)), file_name};
}

upload upload::file(const std::filesystem::path& path)
{
    return {std::make_shared<file_content>(path), path.filename().string()};
}

content_part image_file(const std::filesystem::path& path, std::string_view media_type)
{
    std::error_code ec;
    if (std::filesystem::is_directory(path, ec))
        throw_file_failed(path, std::make_error_code(std::errc::is_a_directory));
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    if (!file || (file.peek() != std::ifstream::traits_type::eof() && !(bytes << file.rdbuf())))
        throw_file_failed(path, {errno, std::generic_category()});
    if (media_type.empty())
        media_type = core::image_type(bytes.view());
    if (media_type.empty())
    {
        detail::refuse(path.string() +
                       (bytes.view().empty() ? " is empty" : " is no PNG, JPEG, WebP or GIF") +
                       ": a picture of another kind needs its media type, such as \"image/bmp\"");
    }
    return content_part::image(bytes.view(), media_type);
}

upload upload::source(opener open, std::string_view file_name, std::optional<std::uint64_t> size)
{
    return {std::make_shared<opener_content>(std::move(open), size), file_name};
}

upload upload::one_shot(reader read, std::string_view file_name, std::optional<std::uint64_t> size)
{
    return {std::make_shared<one_shot_content>(std::move(read), size), file_name};
}

}  // namespace regolo::inline v0
