/// \file
/// Checks of everything a caller can get wrong, before any work: each throws InvalidArgument with a
/// message "argument: expected ..., got ...".
#pragma once

#include "bpqp/solution.hpp"
#include "bpqp/solver.hpp"

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

/// What a derivative call, or what else needs Settings::gradients, must find. `solved`: there is a
/// solve (or differentiate) to refer to.
void require_gradients(const char* call, const Settings& settings);
void require_derivatives(const char* call, const Settings& settings, bool solved);
/// `kept`: factors of a solve before are there.
void validate(Changed changed, const Settings& settings, bool kept);

/// Throws InvalidArgument("name: ...") unless `pointer` is set.
void require(const char* name, const void* pointer);

}  // namespace bpqp
