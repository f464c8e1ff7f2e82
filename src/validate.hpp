/// \file
/// Checks of everything a caller can get wrong, before any work: each throws InvalidArgument with a
/// message "argument: expected ..., got ...".
#pragma once

#include "bpqp/solution.hpp"

namespace bpqp {

void validate(const Shape& shape, int capacity, const Settings& settings);

template <class R>
void validate(const Problem<R>& problem, const Shape& shape, int capacity);

/// A view that may be null: rows x cols and stride must fit if it is not.
template <class R>
void validate_matrix(const char* name, const MatrixBatch<R>& v, int rows, int cols, int batch);
template <class R>
void validate_vector(const char* name, const VectorBatch<R>& v, int size, int batch);
template <class R>
void validate_output(const char* name, const GradientOut<R>& v, std::int64_t size, int batch);

/// Throws InvalidArgument("name: ...") unless `pointer` is set.
void require(const char* name, const void* pointer);

}  // namespace bpqp
