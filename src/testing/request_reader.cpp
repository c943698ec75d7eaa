#include "testing/request_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace regolo::inline v0::testing {

namespace {

constexpr auto max_head = std::size_t{256} * 1024;

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool parse_size(std::string_view text, int base, std::size_t& value)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string_view received_request::header(std::string_view name) const noexcept
{
    for (const auto& [key, value] : headers)
    {
        if (equals_ignoring_case(key, name))
            return value;
    }
    return {};
}

bool received_request::has_header(std::string_view name) const noexcept
{
    return std::any_of(headers.begin(), headers.end(), [name](const auto& header) {
        return equals_ignoring_case(header.first, name);
    });
}

std::string_view received_request::path() const noexcept
{
    return std::string_view(target).substr(0, target.find('?'));
}

bool received_request::wants_keep_alive() const noexcept
{
    const auto connection_header = header("connection");
    if (version == "HTTP/1.0")
        return equals_ignoring_case(connection_header, "keep-alive");
    return !equals_ignoring_case(connection_header, "close");
}

void request_reader::push(std::string_view bytes)
{
    if (at_ == buffer_.size())
    {
        buffer_.clear();
        at_ = scanned_ = 0;
    }
    buffer_.append(bytes);
}

std::optional<received_request> request_reader::take()
{
    while (!is_complete_ && advance())
    {}
    if (!is_complete_)
        return std::nullopt;
    is_complete_ = false;
    buffer_.erase(0, at_);
    at_ = scanned_ = 0;
    return std::exchange(current_, received_request());
}

bool request_reader::is_inside_request() const noexcept
{
    return state_ != state::head || at_ != buffer_.size();
}

bool request_reader::advance()
{
    std::string_view line;
    switch (state_)
    {
        case state::head:
            return read_head();
        case state::body:
            return read_counted(state::head);
        case state::chunk:
            return read_counted(state::chunk_end);
        case state::chunk_size:
            if (!read_line(line))
                return false;
            on_chunk_size(line);
            return true;
        case state::chunk_end:
            if (!read_line(line))
                return false;
            state_ = line.empty() ? state::chunk_size : state::failed;
            return true;
        case state::trailer:
            if (!read_line(line))
                return false;
            if (line.empty())
                complete();
            return !line.empty();
        case state::failed:
            break;
    }
    return false;
}

bool request_reader::read_head()
{
    while (buffer_.compare(at_, 2, "\r\n") ==
           0)  // a server ought to skip empty lines before a request
        at_ += 2;
    const auto end = buffer_.find("\r\n\r\n", std::max(at_, scanned_));
    if (end == std::string::npos)
    {
        scanned_ = std::max(at_, buffer_.size() < 3 ? 0 : buffer_.size() - 3);
        if (buffer_.size() - at_ > max_head)
            state_ = state::failed;
        return false;
    }
    const auto begin = std::exchange(at_, end + 4);
    scanned_ = at_;
    parse_head(std::string_view(buffer_).substr(begin, end + 2 - begin));
    return state_ != state::failed && !is_complete_;
}

bool request_reader::read_counted(state next)
{
    const auto size = std::min(remaining_, buffer_.size() - at_);
    current_.body.append(buffer_, at_, size);
    at_ += size;
    remaining_ -= size;
    if (remaining_ != 0)
        return false;
    if (next == state::head)
        complete();
    else
        state_ = next;
    return !is_complete_;
}

bool request_reader::read_line(std::string_view& line)
{
    const auto end = buffer_.find("\r\n", at_);
    if (end == std::string::npos)
        return false;
    line = std::string_view(buffer_).substr(at_, end - at_);
    at_ = end + 2;
    return true;
}

void request_reader::parse_head(std::string_view head)
{
    auto line = head.substr(0, head.find("\r\n"));
    const auto method_end = line.find(' ');
    const auto target_end = line.rfind(' ');
    if (method_end == std::string_view::npos || target_end == method_end ||
        line.substr(target_end + 1, 5) != "HTTP/")
    {
        state_ = state::failed;
        return;
    }
    current_.method = line.substr(0, method_end);
    current_.target = line.substr(method_end + 1, target_end - method_end - 1);
    current_.version = line.substr(target_end + 1);
    for (head.remove_prefix(line.size() + 2); !head.empty(); head.remove_prefix(line.size() + 2))
    {
        line = head.substr(0, head.find("\r\n"));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
        {
            state_ = state::failed;
            return;
        }
        current_.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    }
    choose_body();
}

void request_reader::choose_body()
{
    if (equals_ignoring_case(current_.header("transfer-encoding"), "chunked"))
        state_ = state::chunk_size;
    else if (!current_.has_header("content-length"))
        complete();
    else if (!parse_size(current_.header("content-length"), 10, remaining_))
        state_ = state::failed;
    else
        state_ = state::body;
}

void request_reader::on_chunk_size(std::string_view line)
{
    if (!parse_size(trimmed(line.substr(0, line.find(';'))), 16, remaining_))
        state_ = state::failed;
    else
        state_ = remaining_ == 0 ? state::trailer : state::chunk;
}

void request_reader::complete()
{
    state_ = state::head;
    is_complete_ = true;
}

}  // namespace regolo::inline v0::testing
