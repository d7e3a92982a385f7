// SPDX-License-Identifier: Apache-2.0
/// @file
/// Looking into documents: requests, claims and answers.
#ifndef NRBAC_VALUE_HPP
#define NRBAC_VALUE_HPP

#include <nrbac/policy.h>
#include <nrbac/value.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace nrbac
{

/// What a value is.
enum class kind {
    null = NRBAC_KIND_NULL,
    boolean = NRBAC_KIND_BOOLEAN,
    integer = NRBAC_KIND_INTEGER,
    real = NRBAC_KIND_REAL,
    text = NRBAC_KIND_TEXT,
    list = NRBAC_KIND_LIST,
    map = NRBAC_KIND_MAP,
};

/// A value of a document, looked at and not owned: it lives as long as its document.
/// Looking for what is not there, or at another kind, gives nothing, so that a path
/// through a foreign document needs no checks on its way. Copying costs a pointer.
class value
{
  public:
    /// No value, which reads as null.
    constexpr value() noexcept = default;
    /// What the C library calls the same; NULL is no value.
    constexpr explicit value(const nrbac_value *raw) noexcept : raw_(raw)
    {
    }

    /// Whether there is a value at all; also null is one.
    constexpr bool exists() const noexcept
    {
        return raw_ != nullptr;
    }
    /// What it is; null where there is none.
    nrbac::kind kind() const noexcept
    {
        return static_cast<nrbac::kind>(nrbac_value_kind(raw_));
    }
    /// True for true alone.
    bool boolean() const noexcept
    {
        return nrbac_value_boolean(raw_);
    }
    /// An integer; 0 for another kind.
    std::int64_t integer() const noexcept
    {
        return nrbac_value_integer(raw_);
    }
    /// A number, integers too; 0 for another kind.
    double real() const noexcept
    {
        return nrbac_value_real(raw_);
    }
    /// A text, UTF-8; empty for another kind.
    std::string_view text() const noexcept
    {
        const char *bytes = nrbac_value_text(raw_);
        return bytes == nullptr ? std::string_view()
                                : std::string_view(bytes, nrbac_value_text_size(raw_));
    }
    /// How many items a list or members a map has; 0 for another kind.
    std::size_t size() const noexcept
    {
        return nrbac_value_count(raw_);
    }
    /// Whether size() is 0.
    bool empty() const noexcept
    {
        return size() == 0;
    }
    /// An item of a list, or the value of a map's member, by its place.
    value operator[](std::size_t index) const noexcept
    {
        return value(nrbac_value_at(raw_, index));
    }
    /// A member of a map by its key.
    value operator[](std::string_view key) const noexcept
    {
        for (std::size_t i = 0, count = size(); i < count; i++)
            if (this->key(i) == key)
                return (*this)[i];
        return value();
    }
    /// The key of a map's member by its place; empty beyond the end.
    std::string_view key(std::size_t index) const noexcept
    {
        const char *bytes = nrbac_value_key(raw_, index);
        return bytes == nullptr ? std::string_view() : std::string_view(bytes);
    }

    /// Goes through the items of a list or the values of a map's members.
    class iterator
    {
      public:
        /// At a place of a value.
        constexpr iterator(const nrbac_value *of, std::size_t at) noexcept
            : of_(of), at_(at)
        {
        }
        /// The value there.
        value operator*() const noexcept
        {
            return value(nrbac_value_at(of_, at_));
        }
        /// Goes on to the next.
        iterator &operator++() noexcept
        {
            at_++;
            return *this;
        }
        /// Whether two are at different places.
        bool operator!=(const iterator &other) const noexcept
        {
            return at_ != other.at_;
        }

      private:
        const nrbac_value *of_;
        std::size_t at_;
    };
    /// The first item.
    iterator begin() const noexcept
    {
        return { raw_, 0 };
    }
    /// Behind the last item.
    iterator end() const noexcept
    {
        return { raw_, size() };
    }

    /// As JSON on one line, or indented for people; empty when out of memory.
    std::string json(bool indented = false) const
    {
        char *bytes = nullptr;
        std::size_t size = 0;
        const unsigned flags = indented ? NRBAC_JSON_INDENT : NRBAC_JSON_COMPACT;
        if (nrbac_json_write(raw_, flags, &bytes, &size) != NRBAC_OK)
            return {};
        std::string copy(bytes, size);
        std::free(bytes);
        return copy;
    }

    /// What the C library calls it; NULL: no value.
    constexpr const nrbac_value *raw() const noexcept
    {
        return raw_;
    }

  private:
    const nrbac_value *raw_ = nullptr;
};

}  // namespace nrbac

#endif
