#pragma once

/// The front door of policies/.
#include "policies/decide.h"
#include "policies/never.h"
#include "policies/policy.h"
